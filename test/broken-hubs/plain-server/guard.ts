import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { DefectName } from '../defects.ts';
import { Refusal } from './refusal.ts';

const ALLOWED_HOSTS: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Lets in only what comes from this machine (DNS rebinding, F35): 2025-11-25, basic/transports, Security Warning.
 * @throws Refusal forbidden-host, forbidden-origin
 */
export function checkOrigin(request: IncomingMessage, defect: DefectName | undefined): void {
  const { host = '', origin } = request.headers;
  const hostName = host.replace(/:\d+$/, '').toLowerCase();
  if (!ALLOWED_HOSTS.includes(hostName) && defect !== 'no-host-check') throw new Refusal('forbidden-host');
  if (origin === undefined || defect === 'no-origin-check') return;
  if (defect === 'origin-checked-on-post-only' && request.method !== 'POST') return;
  if (defect === 'null-origin-allowed' && origin === 'null') return;
  const originHost = URL.canParse(origin) ? new URL(origin).hostname : '';
  if (!ALLOWED_HOSTS.includes(originHost)) throw new Refusal('forbidden-origin');
}

/**
 * Whose request this is: a fingerprint of the token, or nothing where none is asked for.
 * @throws Refusal unauthorized
 */
export function ownerOf(request: IncomingMessage, tokens: readonly string[] | undefined): string {
  if (!tokens) return '';
  const [, token = ''] = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (!tokens.includes(token)) throw new Refusal('unauthorized');
  return createHash('sha256').update(token).digest('hex');
}

/** Whether Accept allows a media type; no Accept at all allows everything (RFC 9110, 12.5.1). */
export function accepts(request: IncomingMessage, mediaType: string): boolean {
  const { accept } = request.headers;
  if (accept === undefined) return true;
  const ranges = accept.split(',').map((range) => range.split(';')[0]?.trim().toLowerCase());
  return [mediaType, mediaType.replace(/\/.*/, '/*'), '*/*'].some((range) => ranges.includes(range));
}
