import type { CanaryKeeper } from '../canaries.ts';
import type { Clock } from '../clock/clock.ts';
import type { ClientEvent } from '../mcp/client-event.ts';
import type { KnownSession, ProtocolVersion } from '../mcp/client-options.ts';
import type { Headers } from '../mcp/headers.ts';
import { McpClient } from '../mcp/mcp-client.ts';
import type { Outcome } from '../mcp/outcome.ts';
import type { Dial } from '../targets/target.ts';

export interface CanaryParts {
  readonly clock: Clock;
  readonly dial: Dial;
  readonly endpoint: URL;
  readonly clientName?: string;
  readonly protocolVersion?: ProtocolVersion;
  /** Sent with every request, a token say. */
  readonly headers?: Headers;
  /** Called for each canary: who hears what happens to its session. */
  readonly listener?: () => (event: ClientEvent) => void;
}

/** What keeps a canary's session: its id, and who hears of it. */
export interface Canary {
  readonly known: KnownSession;
  readonly emit: (event: ClientEvent) => void;
}

export const CANARY_NAME = 'mcp-soak-canary';
/** A target that is slower than this cannot be told apart from one that does not answer. */
const REQUEST_TIMEOUT_MS = 10_000;

/** Canaries on the wire: initialize, initialized, and gone; later one ping, and DELETE for what had not ended. */
export function mcpCanaries(parts: CanaryParts): CanaryKeeper<Canary> {
  const { clientName = CANARY_NAME, protocolVersion = '2025-11-25' } = parts;
  const newClient = (emit: Canary['emit'], session?: KnownSession) =>
    new McpClient({
      dial: parts.dial,
      endpoint: parts.endpoint,
      clock: parts.clock,
      emit,
      protocolVersion,
      clientInfo: { name: clientName, version: '1.0.0' },
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      ...(parts.headers && { headers: parts.headers }),
      ...(session && { session }),
    });
  return {
    open: async () => {
      const emit = parts.listener?.() ?? (() => undefined);
      const client = newClient(emit);
      const opened = await client.initialize({ handshake: 'half' });
      const { known } = client;
      const lastUse =
        opened.kind === 'result' && known ? await client.notify('notifications/initialized') : undefined;
      const isComplete = lastUse?.kind === 'accepted';
      // Numbered on from where this client ends.
      const session = client.known;
      client.abandon('silent');
      client.release();
      return isComplete && session ? { session: { known: session, emit }, lastUse } : undefined;
    },
    probe: async ({ known, emit }) => {
      const client = newClient(emit, known);
      const outcome = await client.probe();
      const isAlive = isAliveBy(outcome);
      // It has said what it had to say: what is still there need not wait for its end.
      if (isAlive) await client.delete();
      client.release();
      return { sentAt: outcome.sentAt, doneAt: outcome.doneAt, isAlive };
    },
  };
}

/** A refusal (busy, forbidden, broken) says nothing of the session. */
function isAliveBy(outcome: Outcome): boolean | null {
  if (outcome.kind === 'result' || outcome.kind === 'rpc-error') return true;
  return outcome.kind === 'http-error' && outcome.status === 404 ? false : null;
}
