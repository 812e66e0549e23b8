import type { Policy } from '../judge/policy.ts';
import type { Offer } from './offer.ts';
import type { ProbeContext } from './probe-context.ts';

/** What has to be there for a probe to see anything; without it the check is not observable. */
export const NEEDS = [
  'session',
  'sessionless',
  'count',
  'listing',
  'echo',
  'slow',
  'chatty',
  'notice',
  'stream',
  'reaping',
  'idle-timeout',
  'handshake-timeout',
  'dead-peer',
  'stream-protects',
  'stream-lost',
  'cap',
  'drain',
  'drain-time',
  'process',
  'restart',
  'pid',
  'sockets',
  'other-identity',
  'clock-jump',
] as const;
export type Need = (typeof NEEDS)[number];

/**
 * quick: short, one after another, nothing else under way · waiting: mostly waits, all at once ·
 * load: heavy, one after another · ending: ends or restarts the target, one after another, last
 */
export const PHASES = ['quick', 'waiting', 'load', 'ending'] as const;
export type Phase = (typeof PHASES)[number];

/** What is known of the target before the probes begin. */
export interface Known {
  readonly offer: Offer;
  readonly policy: Policy;
}

/** What a probe came to. `evidence`: exchanges and lines that decided it; the last ones when left out. */
export interface Finding {
  readonly verdict: 'pass' | 'fail' | 'invalid' | 'not-observable';
  readonly observed: string;
  readonly reason?: string;
}

/** One named check of one failure mode: what it demands, who demands it, and how to find out. */
export interface Probe {
  /** Stable snake_case id, as reports and `--only` name it. */
  readonly name: string;
  /** F01 … F58, the one that it names first. */
  readonly failureModes: readonly [string, ...string[]];
  /** What a healthy server does, as a sentence. */
  readonly demands: string;
  /** What is allowed, short: `404 with a JSON-RPC error`. */
  readonly limit: string;
  /** Where it is demanded: `MCP 2025-11-25, basic/transports, Session Management 3`; or the policy, or operation. */
  readonly clause: string;
  /** How others mended it, one sentence. */
  readonly remedy: string;
  readonly phase: Phase;
  readonly needs: readonly Need[];
  /** How long it takes at most in the good case, ms. */
  lasts(known: Known): number;
  run(context: ProbeContext): Promise<Finding>;
}

export function pass(observed: string): Finding {
  return { verdict: 'pass', observed };
}

/** `reason`: what went wrong and what it does to clients, as a sentence. */
export function fail(observed: string, reason: string): Finding {
  return { verdict: 'fail', observed, reason };
}

export function undecided(observed: string, reason: string): Finding {
  return { verdict: 'invalid', observed, reason };
}

export function unseen(reason: string): Finding {
  return { verdict: 'not-observable', observed: 'unknown', reason };
}
