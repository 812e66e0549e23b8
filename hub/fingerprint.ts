import { createHash } from 'node:crypto';

/**
 * What the hub shows of a session id: the first 12 hex digits of its SHA-256. The id itself is a credential
 * (MCP security best practices), so it appears in no log, listing or metric.
 */
export function fingerprint(sessionId: string): string {
  return createHash('sha256').update(sessionId).digest('hex').slice(0, 12);
}
