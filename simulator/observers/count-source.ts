import type { Clock } from '../clock/clock.ts';
import type { Headers } from '../mcp/headers.ts';
import type { Target } from '../targets/target.ts';
import { commandSource } from './command.ts';
import type { CountSource } from './count.ts';
import { documentSource } from './document.ts';
import { readJsonPath } from './json-path.ts';
import { readMetric } from './prometheus.ts';

/** Where the number of sessions is read; `text` is how it was asked for. An address that is only a path is the target's. */
export type CountSourceRequest = { readonly text: string } & (
  | { readonly kind: 'prometheus'; readonly address: string; readonly metric: string }
  | { readonly kind: 'json'; readonly address: string; readonly path: string }
  | { readonly kind: 'command'; readonly command: string }
);

/** How long one reading may take. */
const TIMEOUT_MS = 5_000;

/** `headers`: what requests to the target carry, a token say; nobody else is sent them. */
export function countSource(
  request: CountSourceRequest,
  target: Target,
  clock: Clock,
  headers?: Headers,
): CountSource {
  const parts = { target, clock, timeoutMs: TIMEOUT_MS, headers };
  switch (request.kind) {
    case 'prometheus':
      return documentSource(request, parts, (body) => readMetric(body, request.metric, Date.now()));
    case 'json':
      return documentSource(request, parts, (body) => ({
        count: readJsonPath(body, request.path),
        stalenessMs: 0,
      }));
    case 'command':
      return commandSource(request.command, { clock, timeoutMs: TIMEOUT_MS });
  }
}

export const SOURCE_HELP =
  'prometheus:<url>#<metric>, json:<url>#<path.to.number> (a url that is only a path is on the target) or cmd:<command>';

/** Reads `prometheus:http://…/metrics#mcp_sessions`, `json:/status#data.count`, `cmd:…`; undefined when it is none. */
export function parseCountSource(text: string): CountSourceRequest | undefined {
  const [, kind, rest = ''] = /^(prometheus|json|cmd):(.+)$/s.exec(text) ?? [];
  if (kind === 'cmd') return { text, kind: 'command', command: rest };
  const [, address = '', place = ''] = /^([^#]+)#(.+)$/.exec(rest) ?? [];
  const isAddress = address.startsWith('/') || /^https?:\/\//.test(address);
  if (!isAddress || !URL.canParse(address, 'http://localhost')) return undefined;
  if (kind === 'prometheus') return { text, kind, address, metric: place };
  if (kind === 'json') return { text, kind, address, path: place };
  return undefined;
}

/** Whether it can be read in virtual time: only what goes through the target itself. */
export function keepsVirtualTime(request: CountSourceRequest): boolean {
  return request.kind !== 'command' && request.address.startsWith('/');
}
