import { isObject } from '../mcp/json-rpc.ts';
import type { HttpAnswer, HttpExchange, Received } from './http-exchange.ts';

/** An event that says which one it is. */
export interface Numbered {
  readonly n: number;
  /** What it says of whom it belongs to, as text. */
  readonly text: string;
  /** Empty where the server gives its events none. */
  readonly eventId: string;
}

/** The numbered events of an answer so far, in order: progress, and what tools number themselves. */
export function numberedIn({ messages }: HttpAnswer): Numbered[] {
  return messages.flatMap((received) => {
    const n = numberOf(received);
    return n === undefined ? [] : [{ n, text: received.text, eventId: received.eventId }];
  });
}

/** The first `count` numbered events; fewer when the time is up or the stream over. */
export async function firstNumbered(
  exchange: HttpExchange,
  count: number,
  withinMs: number,
): Promise<Numbered[]> {
  await exchange.until((answer) => (numberedIn(answer).length >= count ? true : undefined), withinMs);
  return numberedIn(exchange.answer).slice(0, count);
}

/** `progress` of a progress notification, `n` of others, `data.n` of log messages. */
function numberOf({ message }: Received): number | undefined {
  if (message.kind !== 'notification' || !isObject(message.params)) return undefined;
  const { progress, n, data } = message.params;
  const number = progress ?? n ?? (isObject(data) ? data.n : undefined);
  return typeof number === 'number' ? number : undefined;
}

/** `1, 2, 3, 5` where they are few, otherwise how many. */
export function listed(numbers: readonly number[]): string {
  return numbers.length === 0 ? 'none' : numbers.join(', ');
}
