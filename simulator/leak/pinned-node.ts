import * as z from 'zod';
import type { Inspector } from '../observers/inspector.ts';

/**
 * What V8 does as a program warms up takes memory, step by step, and looks like a small leak: 900 B per session in the
 * first 500 sessions, still 300 B after 1,500. Without its tiers, and with feedback allocated at once, a server that
 * does not leak is flat from the second cycle. It is about 1.25 times slower, too: no time may be measured meanwhile.
 */
const PINNED = ['no-opt', 'no-maglev', 'no-sparkplug', 'no-lazy-feedback-allocation', 'no-flush-bytecode'];
const USUAL = PINNED.map((flag) => flag.slice('no-'.length));

/** Sets flags of V8 in a process that runs; `NODE_OPTIONS` would refuse most of them. @throws InspectorError */
export async function pin(inspector: Inspector): Promise<void> {
  await setFlags(inspector, PINNED);
}

/** As it was, but for code that has been compiled meanwhile. @throws InspectorError */
export async function unpin(inspector: Inspector): Promise<void> {
  await setFlags(inspector, USUAL);
}

async function setFlags(inspector: Inspector, flags: readonly string[]): Promise<void> {
  const list = JSON.stringify(flags.map((flag) => `--${flag}`));
  await inspector.evaluate(
    `for (const flag of ${list}) process.getBuiltinModule('node:v8').setFlagsFromString(flag)`,
  );
}

const CountsSchema = z.record(z.string(), z.number());

/** Active timers, sockets and so on by kind, and listeners on `process`. What lasts one task only is left out. */
const COUNT = `(() => {
  const counts = {};
  for (const kind of process.getActiveResourcesInfo()) {
    if (kind === 'Immediate' || /Req(Wrap)?$|^FSReq|REQ/.test(kind)) continue;
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  let listeners = 0;
  for (const name of process.eventNames()) listeners += process.listenerCount(name);
  counts['listeners on process'] = listeners;
  return counts;
})()`;

/** Integers by what they count. @throws InspectorError */
export async function countResources(inspector: Inspector): Promise<Record<string, number>> {
  return CountsSchema.parse(await inspector.evaluate(COUNT));
}
