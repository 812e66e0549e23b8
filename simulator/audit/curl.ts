import type { HttpExchange } from './http-exchange.ts';
import { type Headers, headersOf, type WireRequest } from './wire-request.ts';

/** What a line of evidence shows of a body: enough to see what it says. */
const MAX_SHOWN = 240;
/** Set by every HTTP client, so a command line need not say them. */
const UNSAID = new Set(['host', 'user-agent', 'content-length', 'connection']);

/** The same request as a command line. `spell` puts names in place of what must not be shown. */
export function curlOf(
  request: WireRequest,
  { endpoint, common, spell }: { endpoint: URL; common: Headers; spell: (text: string) => string },
): string {
  const { method, path, body } = request;
  const url = path === undefined ? endpoint : new URL(path, endpoint);
  const headers = Object.entries(headersOf(request, endpoint, common)).filter(
    ([name]) => !UNSAID.has(name.toLowerCase()) || request.headers?.[name] !== undefined,
  );
  return [
    `curl -i -X ${method} '${url.href}'`,
    ...headers.map(([name, value]) => `-H ${quoted(spell(`${name}: ${shortened(value)}`))}`),
    ...(body === undefined ? [] : [`-d ${quoted(spell(shortened(body)))}`]),
  ].join(' ');
}

/** What came back, on one line. */
export function answerLine({ answer }: HttpExchange): string {
  const { status, end, body, messages, headers } = answer;
  if (status === undefined) return `→ no answer: ${end}`;
  const said = body !== '' ? body : messages.map(({ text }) => text).join(' ');
  const type = headers.get('content-type')?.split(';')[0] ?? '';
  const how = end === 'complete' ? '' : ` (${end})`;
  return `→ ${[status, type, shortened(said.replaceAll(/\s+/g, ' ').trim())].filter((part) => part !== '').join(' ')}${how}`;
}

function shortened(text: string): string {
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}… (${text.length} characters)`;
}

/** For a POSIX shell. A `$A` that stands for a session id has to stay a variable. */
function quoted(text: string): string {
  const isPlain = !/["\\`]/.test(text) && /\$[A-Z]/.test(text);
  return isPlain ? `"${text}"` : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
