import type { ClientProfile } from '../../scenario/client-profile.ts';
import type { Waiting } from './waiting.ts';

/** How a client behaves where MCP or its transport leave it a choice, as data: steps ask it, and never who it is. */
export interface Profile {
  /** How requests are numbered. */
  readonly ids: 'counting' | 'always-1';
  /** When it is told that its session is gone (404). */
  readonly atGone:
    | { readonly kind: 'end' }
    /** Every further step is sent with the dead id. */
    | { readonly kind: 'go-on' }
    /** A new session, then the same request once more. `wait`: before it; `null`: at once. */
    | { readonly kind: 'reinitialize'; readonly wait: Waiting | null };
  /** When it is refused: 429, 503, connection refused. `null`: it does not ask again. */
  readonly retry: Waiting | null;
  /** When it loses its GET stream. `null`: it lives without. */
  readonly reopen: Waiting | null;
}

const PLAIN: Profile = { ids: 'counting', atGone: { kind: 'end' }, retry: null, reopen: null };

/** Five times are enough to see what a herd does to a server. */
const IN_STEP: Waiting = { kind: 'in-step', everyMs: 1000, most: 5 };

export const PROFILES: Readonly<Record<ClientProfile, Profile>> = {
  plain: PLAIN,
  // 2025-11-25, basic/transports: a 404 MUST be followed by a new initialize without the id; `retry` MUST be honoured.
  compliant: {
    ids: 'counting',
    atGone: { kind: 'reinitialize', wait: null },
    retry: { kind: 'backoff', firstMs: 500, factor: 2, mostMs: 30_000, jitter: true, most: 5 },
    reopen: { kind: 'backoff', firstMs: 1000, factor: 2, mostMs: 30_000, jitter: true, most: 5 },
  },
  // client/streamableHttp.js of @modelcontextprotocol/sdk 1.32: calls fail and that is all, streams come back.
  'sdk-like': {
    ids: 'counting',
    atGone: { kind: 'go-on' },
    retry: null,
    reopen: { kind: 'backoff', firstMs: 1000, factor: 1.5, mostMs: 30_000, jitter: false, most: 2 },
  },
  // claude-code#8338 and many like it (F22).
  stuck: { ...PLAIN, atGone: { kind: 'go-on' } },
  // After a restart everybody comes back in the same instant, whatever the server asked for (F24).
  herd: {
    ids: 'counting',
    atGone: { kind: 'reinitialize', wait: IN_STEP },
    retry: IN_STEP,
    reopen: IN_STEP,
  },
  // Every request has the id 1 (F28).
  'claude-like': { ...PLAIN, ids: 'always-1' },
};
