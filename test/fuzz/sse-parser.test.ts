import { createParser } from 'eventsource-parser';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type SseEvent, SseParser } from '../../simulator/mcp/sse-parser.ts';
import { WireError } from '../../simulator/mcp/wire-error.ts';
import { cutAt, cutEverywhere, cuts, LIMIT_MS, runs } from './fuzz.ts';

const WORDS = fc.constantFrom(
  ...[
    'data',
    'data:',
    'data: ',
    'event',
    'event:',
    'id',
    'id:',
    'retry',
    'retry:',
    'retry: 12',
    ':',
    ' ',
    '\t',
  ],
  ...[
    '\n',
    '\r\n',
    '\r',
    '\n\n',
    'x',
    '7',
    '{"a":"b"}',
    'é',
    '€',
    '😀',
    '\ufeff',
    '\0',
    '\u2028',
    'DATA:',
    'datas:',
  ],
);

const streams = fc.array(WORDS, { maxLength: 60 }).map((words) => Buffer.from(words.join('')));

/** Also what is no UTF-8. */
const byteStreams = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: WORDS.map((word) => Buffer.from(word)) },
      fc.uint8Array({ maxLength: 6 }),
    ),
    {
      maxLength: 40,
    },
  )
  .map((pieces) => Buffer.concat(pieces));

interface Seen {
  readonly events: SseEvent[];
  readonly retries: number[];
  comments: number;
  error?: string;
}

describe('SseParser, given anything', () => {
  it(
    'makes the same of any bytes, wherever they are cut',
    () => {
      fc.assert(
        fc.property(byteStreams, cuts, fc.constantFrom(undefined, 20, 60), (bytes, positions, limit) => {
          const whole = readByOurs([bytes], limit);
          expect(readByOurs(cutAt(bytes, positions), limit)).toEqual(whole);
          expect(readByOurs(cutEverywhere(bytes), limit)).toEqual(whole);
        }),
        runs(2000),
      );
    },
    LIMIT_MS,
  );

  it(
    'reads streams as eventsource-parser does',
    () => {
      fc.assert(
        fc.property(fc.oneof(streams, byteStreams), cuts, (bytes, positions) => {
          // Of two byte order marks only the first is one; the reference may take both away.
          fc.pre(!bytes.toString().startsWith('\ufeff\ufeff'));
          // The reference holds back a CR at the end of its input.
          const ended = Buffer.concat([bytes, Buffer.from('\n\n')]);
          const ours = readByOurs([ended]);
          expect({ ...ours, events: ours.events.map(withoutId) }).toEqual(
            readByReference(cutAt(ended, positions)),
          );
        }),
        runs(3000),
      );
    },
    LIMIT_MS,
  );
});

function readByOurs(pieces: readonly Buffer[], maxEventBytes?: number): Seen {
  const seen: Seen = { events: [], retries: [], comments: 0 };
  const parser = new SseParser(
    {
      onEvent: (event) => seen.events.push(event),
      onRetry: (ms) => seen.retries.push(ms),
      onComment: () => {
        seen.comments += 1;
      },
    },
    maxEventBytes === undefined ? {} : { maxEventBytes },
  );
  try {
    for (const piece of pieces) parser.feed(piece);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    seen.error = error.code;
  }
  return seen;
}

/** Without ids: the reference forgets the id of an event that has no data, the specification does not. */
function readByReference(pieces: readonly Buffer[]) {
  const seen = { events: [] as ReturnType<typeof withoutId>[], retries: [] as number[], comments: 0 };
  // Takes the byte order mark away, as the decoder in front of the reference does in the SDK, too.
  const decoder = new TextDecoder();
  const parser = createParser({
    onEvent: ({ event, data }) => seen.events.push({ event: event ?? 'message', data }),
    onRetry: (ms) => seen.retries.push(ms),
    onComment: () => {
      seen.comments += 1;
    },
  });
  for (const piece of pieces) parser.feed(decoder.decode(piece, { stream: true }));
  return seen;
}

function withoutId({ event, data }: SseEvent): { event: string; data: string } {
  return { event, data };
}
