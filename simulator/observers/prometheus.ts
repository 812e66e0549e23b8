import { CountError } from './count.ts';

/*
 * The lines of a Prometheus endpoint that matter here (exposition formats 0.0.4 and OpenMetrics 1.0):
 *
 *   sample = name [ "{" labels "}" ] " " value [ " " timestamp ]      timestamp: ms, or seconds with a fraction
 */
const SAMPLE = /^([A-Za-z_:][\w:]*)(\{.*\})?[ \t]+([^\s#]+)(?:[ \t]+(-?\d+(?:\.\d+)?))?/;

/** Times below this are seconds, as OpenMetrics has them: as ms it would be the year 1970. */
const LEAST_MS = 1e11;

/**
 * The sum of all samples of a metric, by name; `name{label="value"}` takes only those that have all these labels.
 * A sample with a time stamp is as old as that says, ms. `nowMs`: since 1970, UTC.
 * @throws CountError when there is no such metric
 */
export function readMetric(
  text: string,
  selector: string,
  nowMs: number,
): { count: number; stalenessMs: number } {
  const [, name = selector, labels = ''] = /^([^{]+)(?:\{(.*)\})?$/.exec(selector.trim()) ?? [];
  const wanted = labels === '' ? [] : labels.split(',').map((label) => label.trim());
  let [count, stalenessMs, samples] = [0, 0, 0];
  const names = new Set<string>();
  for (const line of text.split('\n')) {
    const [, found, foundLabels = '', value = '', stamp] = SAMPLE.exec(line) ?? [];
    if (found === undefined) continue;
    names.add(found);
    if (found !== name || !wanted.every((label) => foundLabels.includes(label))) continue;
    samples += 1;
    count += Number(value);
    if (stamp !== undefined) stalenessMs = Math.max(stalenessMs, nowMs - inMs(Number(stamp)));
  }
  if (samples > 0) return { count, stalenessMs };
  const like = [...names].filter((other) => /session|client|connection/i.test(other)).slice(0, 5);
  const hint = like.length > 0 ? `; there are ${like.join(', ')}` : `; got ${names.size} other metrics`;
  throw new CountError(`there is no metric ${selector}${hint}`);
}

function inMs(stamp: number): number {
  return Math.abs(stamp) < LEAST_MS ? stamp * 1_000 : stamp;
}
