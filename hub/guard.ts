import type { IncomingMessage } from 'node:http';
import { HubError } from './errors.ts';

/**
 * Refuses requests that a web page may have been tricked into sending (DNS rebinding): 2025-11-25,
 * basic/transports, "Security Warning": servers MUST validate Origin, and answer 403.
 * @throws HubError FORBIDDEN_HOST or FORBIDDEN_ORIGIN
 */
export function guard(request: IncomingMessage, allowedHosts: readonly string[]): void {
  const host = request.headers.host;
  if (!allowedHosts.includes(hostName(host))) throw new HubError('FORBIDDEN_HOST');
  const origin = request.headers.origin;
  if (origin !== undefined && !allowedHosts.includes(originHost(origin))) {
    throw new HubError('FORBIDDEN_ORIGIN');
  }
}

/** `localhost:8000` → `localhost`, `[::1]:8000` → `[::1]`. */
function hostName(host: string | undefined): string {
  return (host ?? '').replace(/:\d+$/, '').toLowerCase();
}

/** Host name of an Origin header; empty for `null` and whatever else is no URL. */
function originHost(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).hostname : '';
}
