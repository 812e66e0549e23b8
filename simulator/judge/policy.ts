import * as z from 'zod';

const ms = z.number().nonnegative();

/** What happens when a client asks for a session beyond a cap. */
export const CAP_RULES = ['refuse', 'evict-idle'] as const;

/**
 * What a target promises about its sessions (DESIGN: T, C, H, D, S …). The reference hub publishes
 * exactly this under `policy` in `GET /health`; for other servers the user states it.
 * `null` means: not promised. All times in milliseconds.
 */
export const PolicySchema = z.object({
  /** T: a session nobody uses for this long may be ended. */
  sessionTimeoutMs: ms.nullable().default(null),
  /** T for clients of a given name (`clientInfo.name`). */
  clientTimeoutsMs: z.record(z.string(), ms).default({}),
  /** C: how often the server looks for sessions to end. */
  cleanupIntervalMs: ms.default(0),
  /** H: how long a session may stay without a completed handshake. */
  handshakeTimeoutMs: ms.nullable().default(null),
  /** D: how long an open stream with a dead peer may go on protecting its session. */
  deadPeerMs: ms.nullable().default(null),
  /**
   * S: how long a session outlives the loss of its last stream, closed by its client or found dead, where the server
   * has such a window and it is shorter than T. Whatever is heard of the client afterwards, a request or another stream, gives the session T again.
   */
  streamLostMs: ms.nullable().default(null),
  /** Most sessions at once. */
  maxSessions: z.number().int().positive().nullable().default(null),
  /** Most sessions of one client at once. The simulator is one client. */
  maxSessionsPerClient: z.number().int().positive().nullable().default(null),
  /** What happens at these caps. */
  capRule: z.enum(CAP_RULES).default('refuse'),
  /** An open GET stream keeps the session alive. */
  openStreamProtects: z.boolean().default(true),
  /** A call in flight keeps the session alive. */
  callProtects: z.boolean().default(true),
  /** How long a shutdown waits for calls in flight. */
  drainMs: ms.nullable().default(null),
});

export type Policy = z.infer<typeof PolicySchema>;

/** The idle timeout T that holds for a client of this name; `null` when none is promised. */
export function timeoutFor(policy: Policy, clientName: string): number | null {
  const { clientTimeoutsMs, sessionTimeoutMs } = policy;
  // Looked up as the plain table it is: a client may be called `constructor`.
  return Object.hasOwn(clientTimeoutsMs, clientName)
    ? (clientTimeoutsMs[clientName] ?? null)
    : sessionTimeoutMs;
}
