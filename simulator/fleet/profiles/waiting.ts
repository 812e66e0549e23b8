import type { Outcome } from '../../mcp/outcome.ts';
import type { Random } from '../../scenario/random.ts';

/** How a client waits before it tries again. `most`: how often it does. */
export type Waiting = { readonly most: number } & (
  | {
      readonly kind: 'backoff';
      readonly firstMs: number;
      readonly factor: number;
      readonly mostMs: number;
      /** Somewhere between no time and the whole of it, by seed; without it, exactly that long. */
      readonly jitter: boolean;
    }
  /** At the next whole multiple of `everyMs` on the run's clock: all clients at one instant. */
  | { readonly kind: 'in-step'; readonly everyMs: number }
);

export interface Attempt {
  /** From 0: how often it has been tried again already. */
  readonly attempt: number;
  /** How long the server asked to stay away (Retry-After, `retry:`), ms. */
  readonly askedMs: number | undefined;
  readonly now: number;
  readonly random: Random;
}

/** A server that asks for more would outlast every flow: it is not waited for longer than this. */
export const MOST_ASKED_MS = 300_000;

/** How long to wait, ms; undefined: no more. */
export function waitMs(waiting: Waiting, { attempt, askedMs, now, random }: Attempt): number | undefined {
  if (attempt >= waiting.most) return undefined;
  if (waiting.kind === 'in-step') return waiting.everyMs - (now % waiting.everyMs);
  const { firstMs, factor, mostMs, jitter } = waiting;
  const wholeMs = Math.min(firstMs * factor ** attempt, mostMs);
  const asked = askedMs === undefined ? undefined : Math.min(askedMs, MOST_ASKED_MS);
  if (!jitter) return asked ?? wholeMs;
  return (asked ?? 0) + Math.round(random.uniform(0, wholeMs));
}

/** Turned away for now, with nothing done: the same request may be sent again. */
export function isRefusal(outcome: Outcome): boolean {
  if (outcome.kind === 'connection') return outcome.code === 'ECONNREFUSED';
  return outcome.kind === 'http-error' && (outcome.status === 429 || outcome.status === 503);
}

export function askedMsOf(outcome: Outcome): number | undefined {
  return outcome.kind === 'http-error' ? outcome.retryAfterMs : undefined;
}
