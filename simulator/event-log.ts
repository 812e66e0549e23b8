import { createHash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';

/** Lines kept at most: about 200 MB. A run that says more is cut here, and says so. */
const MAX_LINES = 2_000_000;
const CHUNK_CHARS = 64 * 1024;

export interface EventLogSummary {
  readonly lines: number;
  /** SHA-256 of the log, hex: two runs with equal hashes did the same things at the same times. */
  readonly sha256: string;
  readonly isTruncated: boolean;
}

/**
 * `events.jsonl`: what happened, one JSON object a line. Names virtual users, never session ids (they are
 * random, and credentials), so that in virtual time the same seed gives the same log.
 */
export class EventLog {
  readonly #file: number | undefined;
  readonly #hash = createHash('sha256');
  #pending = '';
  #lines = 0;
  #isTruncated = false;

  /** Without a path, the log is only hashed. */
  constructor(path?: string) {
    this.#file = path === undefined ? undefined : openSync(path, 'w');
  }

  write(entry: Readonly<Record<string, unknown>>): void {
    if (this.#lines >= MAX_LINES) {
      this.#isTruncated = true;
      return;
    }
    this.#lines += 1;
    this.#pending += `${JSON.stringify(entry)}\n`;
    if (this.#pending.length >= CHUNK_CHARS) this.#flush();
  }

  close(): EventLogSummary {
    this.#flush();
    if (this.#file !== undefined) closeSync(this.#file);
    return { lines: this.#lines, sha256: this.#hash.digest('hex'), isTruncated: this.#isTruncated };
  }

  #flush(): void {
    this.#hash.update(this.#pending);
    if (this.#file !== undefined) writeSync(this.#file, this.#pending);
    this.#pending = '';
  }
}
