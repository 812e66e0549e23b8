import type { Clock } from '../clock/clock.ts';
import type { Headers } from '../mcp/headers.ts';
import { JsonReader } from '../mcp/json-reader.ts';
import { socketDial } from '../targets/socket-dial.ts';
import type { Target } from '../targets/target.ts';
import { asCount, CountError, type CountSource } from './count.ts';

interface DocumentParts {
  readonly target: Target;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** For the target alone: what lets us in there is nobody else's business. */
  readonly headers?: Headers | undefined;
}

/** A count in a document behind a URL; on the target itself where the address is only a path. */
export function documentSource(
  { text, address }: { text: string; address: string },
  { target, clock, timeoutMs, headers = {} }: DocumentParts,
  pick: (body: string) => { count: number; stalenessMs: number },
): CountSource {
  const isOnTarget = address.startsWith('/');
  const url = new URL(address, target.endpoint);
  const dial = isOnTarget ? target.dial : socketDial(url);
  const isLetIn = url.origin === target.endpoint.origin;
  const reader = new JsonReader({
    dial,
    clock,
    host: url.host,
    timeoutMs,
    ...(isLetIn && { headers }),
  });
  return {
    async read() {
      const answer = await reader.getText(`${url.pathname}${url.search}`);
      if (!answer) throw new CountError(`${text}: no answer from ${url.href} within ${timeoutMs / 1_000} s`);
      const { status, body, sentAt, receivedAt } = answer;
      if (status !== 200) {
        const hint = isLetIn && status === 401 ? " (--header 'Authorization: …' gives it a token)" : '';
        throw new CountError(`${text}: expected status 200 from ${url.href}, got ${status}${hint}`);
      }
      try {
        const { count, stalenessMs } = pick(body);
        return { sentAt, receivedAt, stalenessMs, count: asCount(count, text) };
      } catch (error) {
        if (!(error instanceof CountError) || error.message.startsWith(text)) throw error;
        throw new CountError(`${text}: ${error.message}`, { cause: error });
      }
    },
    close: () => reader.close(),
  };
}
