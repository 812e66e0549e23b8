import { createParser } from 'eventsource-parser';
import { describe, expect, it } from 'vitest';
import { type SseEvent, SseParser } from '../../../simulator/mcp/sse-parser.ts';
import { everySplit } from './parse-answer.ts';
import { seededRandom } from './seeded-random.ts';

interface Seen {
  readonly events: SseEvent[];
  readonly retries: number[];
  comments: number;
}

function readByOurs(pieces: readonly Buffer[]): Seen {
  const seen: Seen = { events: [], retries: [], comments: 0 };
  const parser = new SseParser({
    onEvent: (event) => seen.events.push(event),
    onRetry: (ms) => seen.retries.push(ms),
    onComment: () => {
      seen.comments += 1;
    },
  });
  for (const piece of pieces) parser.feed(piece);
  return seen;
}

/**
 * By the parser that the official SDK uses. It reports an id only with the event that brings it, while the
 * specification's last event id stays: carried over here.
 */
function readByReference(pieces: readonly Buffer[]): Seen {
  const seen: Seen = { events: [], retries: [], comments: 0 };
  const decoder = new TextDecoder();
  let lastId = '';
  const parser = createParser({
    onEvent: ({ event, data, id }) => {
      lastId = id ?? lastId;
      seen.events.push({ event: event ?? 'message', data, id: lastId });
    },
    onRetry: (ms) => seen.retries.push(ms),
    onComment: () => {
      seen.comments += 1;
    },
  });
  for (const piece of pieces) parser.feed(decoder.decode(piece, { stream: true }));
  return seen;
}

const STREAMS: readonly [why: string, text: string][] = [
  ['one event', 'data: hello\n\n'],
  ['an event as the SDK sends it', 'event: message\nid: 1_2\ndata: {"jsonrpc":"2.0"}\n\n'],
  ['CR LF', 'event: x\r\ndata: a\r\n\r\ndata: b\r\n\r\n'],
  ['all line ends mixed', 'data: a\r\ndata: b\ndata: c\r\n\r\ndata: d\n\n'],
  ['a byte order mark', '\ufeffdata: a\n\n'],
  ['a byte order mark in the middle, which is none', 'data: a\n\n\ufeffdata: b\n\n'],
  ['several data lines', 'data: a\ndata:\ndata: c\n\n'],
  ['data without a value', 'data\n\ndata\ndata\n\n'],
  ['a priming event: an id and empty data', 'id: 7\ndata:\n\n'],
  ['comments', ': heartbeat\n\n:\n:x\ndata: a\n\n'],
  ['one blank after the colon taken away, no more', 'data:  a\ndata:b\n\n'],
  ['fields nobody knows', 'foo: bar\nfoo\ndata: a\n\n'],
  ['field names in upper case, which nobody knows', 'DATA: a\n\ndata: b\n\n'],
  ['retry', 'retry: 1500\nretry: x\nretry: 1.5\nretry:\ndata: a\n\n'],
  ['an id that stays until the next', 'id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n'],
  ['an id with NUL, which is ignored', 'id: 1\ndata: a\n\nid: 2\u00003\ndata: b\n\n'],
  ['an event type without data, which is dropped', 'event: x\n\ndata: a\n\n'],
  ['an empty event type', 'event:\ndata: a\n\n'],
  ['the last of several event types', 'event: x\nevent: y\ndata: a\n\n'],
  ['an event cut off by the end', 'data: a\n\ndata: b\n'],
  ['colons in the data', 'data: a:b: c\n\n'],
  ['characters of two, three and four bytes', 'data: é€😀\nevent: ü\n\n'],
  ['many empty lines', '\n\n\ndata: a\n\n\n\ndata: b\n\n'],
];

describe('SseParser beside eventsource-parser', () => {
  it.each(STREAMS)('reads %s alike, wherever the bytes are cut', (_why, text) => {
    const raw = Buffer.from(text);
    const whole = readByOurs([raw]);
    expect(readByReference([raw])).toEqual(whole);
    for (const pieces of everySplit(raw)) expect(readByOurs(pieces)).toEqual(whole);
    expect(readByOurs(Array.from(raw, (byte) => Buffer.from([byte])))).toEqual(whole);
  });

  it('reads random streams alike, cut at random', () => {
    const random = seededRandom(20_251_122);
    const tokens = [
      'data',
      'event',
      'id',
      'retry',
      ':',
      ': ',
      ' ',
      '\n',
      '\r\n',
      '\r',
      'x',
      '7',
      '€',
      '😀',
      '\n\n',
    ];
    for (let round = 0; round < 2000; round += 1) {
      // The reference holds back a CR at the end of its input, so no stream here ends in one.
      const text = `${Array.from({ length: 40 }, () => tokens[Math.floor(random() * tokens.length)]).join('')}\n\n`;
      const raw = Buffer.from(text);
      const pieces: Buffer[] = [];
      for (let at = 0; at < raw.length; ) {
        const end = at + 1 + Math.floor(random() * 6);
        pieces.push(raw.subarray(at, end));
        at = end;
      }
      const ours = readByOurs(pieces);
      // Ids apart: the reference forgets the id of an event that has no data, the specification does not.
      const reference = readByReference(pieces);
      expect(ours.events.map(withoutId), JSON.stringify(text)).toEqual(reference.events.map(withoutId));
      expect([ours.retries, ours.comments]).toEqual([reference.retries, reference.comments]);
      expect(ours).toEqual(readByOurs([raw]));
    }
  });
});

describe('SseParser', () => {
  it('keeps the id of an event without data, as the specification has it', () => {
    const { events } = readByOurs([Buffer.from('id: 7\n\ndata: a\n\n')]);
    expect(events).toEqual([{ event: 'message', data: 'a', id: '7' }]);
  });

  const endless: readonly [why: string, piece: string][] = [
    ['a line that never ends', 'data: xxxxxxxxxxxxxxxxxxxxxxxx'],
    ['data lines without end', 'data: xxxxxxxxxxxxxxxxxxxxxxxx\n'],
  ];
  it.each(endless)('gives up on %s at the size allowed', (_why, piece) => {
    const parser = new SseParser({ onEvent: () => undefined }, { maxEventBytes: 1000 });
    const feedMuch = () => {
      for (let count = 0; count < 100; count += 1) parser.feed(Buffer.from(piece));
    };
    expect(feedMuch).toThrow('an event of an event stream is too large: got');
  });

  it('takes heartbeat comments and unknown fields without end', () => {
    const parser = new SseParser({ onEvent: () => undefined }, { maxEventBytes: 100 });
    for (let count = 0; count < 1000; count += 1) parser.feed(Buffer.from(': heartbeat\nfoo: bar\n'));
    expect(parser.lastEventId).toBe('');
  });

  it('treats CR as the end of a line at once, and the LF that follows as part of it', () => {
    const events: string[] = [];
    const parser = new SseParser({ onEvent: ({ data }) => events.push(data) });
    parser.feed(Buffer.from('data: a\r\r'));
    expect(events).toEqual(['a']);
    parser.feed(Buffer.from('\ndata: b\r\n\r\n'));
    expect(events).toEqual(['a', 'b']);
  });
});

function withoutId({ event, data }: SseEvent): { event: string; data: string } {
  return { event, data };
}
