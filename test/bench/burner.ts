/*
 * A noisy neighbour: uses one core in bursts, and memory that it drops again, until its parent goes. Bounded, so that a
 * forgotten one ends by itself.
 */

const MAX_LIFE_MS = 30 * 60_000;
const BURST_MS = 40;
const REST_MS = 10;

const endAt = performance.now() + MAX_LIFE_MS;
process.on('disconnect', () => process.exit());
burn();

function burn(): void {
  if (performance.now() > endAt) process.exit();
  const until = performance.now() + BURST_MS;
  let waste: number[] = [];
  while (performance.now() < until) waste = Array.from({ length: 10_000 }, () => Math.random());
  setTimeout(burn, waste.length > 0 ? REST_MS : 0);
}
