const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** A length of time for people: `350 ms`, `12.5 s`, `6m 0s`, `2h 5m`, `never`. */
export function formatLength(ms: number): string {
  if (ms === Number.POSITIVE_INFINITY) return 'never';
  if (ms < 0) return `-${formatLength(-ms)}`;
  if (ms < SECOND) return `${trimmed(ms, 1)} ms`;
  if (ms < MINUTE) return `${trimmed(ms / SECOND, 3)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)}m ${trimmed((ms % MINUTE) / SECOND, 1)}s`;
  return `${Math.floor(ms / HOUR)}h ${Math.floor((ms % HOUR) / MINUTE)}m`;
}

/** A moment of the run, always in seconds, so that lines of evidence can be compared: `12.000 s`. */
export function formatMoment(ms: number): string {
  return Number.isFinite(ms) ? `${(ms / SECOND).toFixed(3)} s` : 'never';
}

/** `1,100 sessions`, `1 session`. */
export function formatCount(n: number, noun: string): string {
  return `${grouped(n)} ${n === 1 ? noun : `${noun}s`}`;
}

/** Thousands separated by commas, the same in every locale. */
export function grouped(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ',');
}

function trimmed(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}

const KIB = 1_024;

/** An amount of memory for people: `32 B`, `27.1 KiB`, `3.4 MiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 0) return `-${formatBytes(-bytes)}`;
  if (bytes < KIB) return `${trimmed(bytes, 1)} B`;
  if (bytes < KIB ** 2) return `${trimmed(bytes / KIB, 1)} KiB`;
  return `${trimmed(bytes / KIB ** 2, 1)} MiB`;
}
