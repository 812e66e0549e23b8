import type { Duplex } from 'node:stream';

/** One connection to a target: bytes both ways, and a way to break it as a network would. */
export interface Wire {
  readonly stream: Duplex;
  /** Drops the connection without a farewell: a TCP reset where there is TCP. */
  reset(): void;
}

/**
 * Opens one connection to the target. The second of the two seams to the world: three makers
 * (in-process, spawned, url). Rejects with a Node system error (`ECONNREFUSED`, …) when refused.
 */
export type Dial = (signal?: AbortSignal) => Promise<Wire>;

/** How a target ended. `code` and `signal` as in `child_process` 'exit'; in process, 0 when nothing was left open. */
export interface TargetExit {
  readonly code: number | null;
  readonly signal: string | null;
}

/** The server under test, however it runs. */
export interface Target {
  /** What to call it in reports. */
  readonly name: string;
  /** The MCP endpoint: host (for the Host header) and path. */
  readonly endpoint: URL;
  readonly dial: Dial;
  /** Connections are sockets of the kernel: they can be reset and filled up, and Node keeps its time-outs on them. */
  readonly hasSockets?: boolean;
  /** Process id, where the target is a process of its own on this machine: the one that listens, if that is known. */
  readonly pid?: number | undefined;
  /** Process group, where all of it belongs to the target. */
  readonly group?: number | undefined;
  /** Sends a signal; absent when the target is not ours to signal. */
  signal?(name: 'SIGTERM' | 'SIGINT'): void;
  /** Ends it where it stands, without a word; absent when it is not ours. */
  kill?(): void;
  /** Stops it from running, and lets it go on; absent where nothing can. */
  pause?(): void;
  resume?(): void;
  /** Starts it again, after its end, at the same endpoint; absent when it is not ours to start. */
  start?(): Promise<void>;
  /** Settles when this life of the target ended, by itself or after a signal; absent when that cannot be seen. */
  readonly exited?: Promise<TargetExit>;
  /** The last lines of output of this life, once it has ended; absent where they cannot be seen. */
  lastLines?(): Promise<readonly string[]>;
  /** Ends the target, whatever state it is in. Idempotent. */
  stop(): Promise<void>;
}

/** A target that the user named and that cannot be had: not ours, and not a defect of ours either. */
export class TargetError extends Error {
  override name = 'TargetError';
}
