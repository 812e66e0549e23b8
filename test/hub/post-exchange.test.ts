import { describe, expect, it } from 'vitest';
import { EventStream } from '../../hub/event-stream.ts';
import { PostExchange } from '../../hub/post-exchange.ts';
import type { ResumableStream } from '../../hub/resumable-stream.ts';
import { openStreamOn, STREAM, settle, testResponse, withoutIds } from './exchange.ts';

async function open({ owed = 1, isBatch = false } = {}) {
  const test = await testResponse();
  const exchange = new PostExchange(test.response, {
    owed,
    isBatch,
    openStream: openStreamOn(test.response, 500),
    endStream: (stream) => stream.end(),
  });
  let closed = 0;
  let left = 0;
  exchange.onclose = () => {
    closed += 1;
  };
  exchange.onleft = () => {
    left += 1;
  };
  return { ...test, body: () => withoutIds(test.body()), exchange, closed: () => closed, left: () => left };
}

describe('PostExchange', () => {
  const stories: readonly [
    story: string,
    options: { owed?: number; isBatch?: boolean },
    act: (exchange: PostExchange) => void,
    type: string,
    body: string,
  ][] = [
    ['one answer is JSON', {}, (exchange) => exchange.answer('{"a":1}'), 'application/json', '{"a":1}'],
    [
      'a batch is an array, even of one',
      { isBatch: true },
      (exchange) => exchange.answer('1'),
      'application/json',
      '[1]',
    ],
    [
      'answers of a batch come in the order in which they are given',
      { owed: 3, isBatch: true },
      (exchange) => ['2', '1', '3'].forEach((json) => void exchange.answer(json)),
      'application/json',
      '[2,1,3]',
    ],
    [
      'an event makes it a stream',
      {},
      (exchange) => {
        void exchange.event('{"e":1}');
        exchange.answer('{"a":1}');
      },
      'text/event-stream',
      'retry: 500\n\nevent: message\ndata: {"e":1}\n\nevent: message\ndata: {"a":1}\n\n',
    ],
    [
      'a keep-alive makes it a stream (F43)',
      {},
      (exchange) => {
        exchange.keepAlive();
        exchange.answer('1');
      },
      'text/event-stream',
      'retry: 500\n\n: keep-alive\n\nevent: message\ndata: 1\n\n',
    ],
    [
      'answers given before it became a stream are on the stream',
      { owed: 2, isBatch: true },
      (exchange) => {
        exchange.answer('1');
        void exchange.event('2');
        exchange.answer('3');
      },
      'text/event-stream',
      'retry: 500\n\nevent: message\ndata: 1\n\nevent: message\ndata: 2\n\nevent: message\ndata: 3\n\n',
    ],
    [
      'nothing comes after the last answer',
      {},
      (exchange) => {
        exchange.answer('1');
        exchange.answer('2');
        void exchange.event('3');
        exchange.keepAlive();
        exchange.withdraw();
      },
      'application/json',
      '1',
    ],
    [
      'a withdrawn request leaves the others',
      { owed: 2, isBatch: true },
      (exchange) => {
        exchange.withdraw();
        exchange.answer('2');
      },
      'application/json',
      '[2]',
    ],
    [
      'with every request withdrawn it is a stream without events',
      {},
      (exchange) => exchange.withdraw(),
      'text/event-stream',
      'retry: 500\n\n',
    ],
  ];
  it.each(stories)('%s', async (_story, options, act, type, body) => {
    const { exchange, head, body: read, closed } = await open(options);
    expect(exchange.isOpen).toBe(true);
    act(exchange);
    expect(exchange.isOpen).toBe(false);
    await settle();
    expect(head()).toContain('HTTP/1.1 200 ');
    expect(head()).toContain(`content-type: ${type}\r\n`);
    expect(read()).toBe(body);
    expect(closed()).toBe(1);
  });

  it('is closed when its answer is given, and has left when that has', async () => {
    const { exchange, closed, left } = await open();
    exchange.answer('1');
    expect([closed(), left()]).toEqual([1, 0]);
    await settle();
    expect([closed(), left()]).toEqual([1, 1]);
  });

  it('says nothing, and stays open, as long as an answer is owed', async () => {
    const { exchange, head, closed } = await open({ owed: 2, isBatch: true });
    exchange.answer('1');
    await settle();
    expect([exchange.isOpen, head(), closed()]).toEqual([true, '', 0]);
  });

  it('closes once when the client leaves before it is a stream, and writes to nobody (F40)', async () => {
    const { exchange, leave, closed } = await open();
    leave();
    await settle();
    expect([exchange.isOpen, closed()]).toEqual([false, 1]);
    void exchange.event('2');
    exchange.keepAlive();
    exchange.withdraw();
    exchange.answer('3');
    await settle();
    expect(closed()).toBe(1);
  });

  it('stays open when the client leaves a stream: it may come back for the rest (F41)', async () => {
    const { exchange, leave, closed, left } = await open();
    void exchange.event('1');
    leave();
    await settle();
    expect([exchange.isOpen, closed(), left()]).toEqual([true, 0, 1]);
    exchange.answer('2');
    expect([exchange.isOpen, closed()]).toEqual([false, 1]);
  });

  it('that sends its client away ends the response, not itself, and has left only once it was fetched', async () => {
    let stream: ResumableStream | undefined;
    const { response, body } = await testResponse();
    const openStream = openStreamOn(response, 500);
    const exchange = new PostExchange(response, {
      owed: 1,
      isBatch: false,
      openStream: (headers) => {
        stream = openStream(headers);
        return stream;
      },
      endStream: (ended) => ended.end(),
    });
    let left = 0;
    exchange.onleft = () => {
      left += 1;
    };
    exchange.suspend();
    await settle();
    expect([response.writableFinished, exchange.isOpen, body(), left]).toEqual([
      true,
      true,
      'retry: 500\n\n',
      0,
    ]);
    exchange.answer('1');
    exchange.suspend();
    await settle();
    expect([exchange.isOpen, left]).toEqual([false, 0]);
    const next = await testResponse();
    stream?.attach(new EventStream(next.response, STREAM), 0);
    await settle();
    expect(withoutIds(next.body())).toBe('retry: 1\n\nevent: message\ndata: 1\n\n');
    expect(left).toBe(1);
  });

  it('closes also when the client had left before it was opened (F40)', async () => {
    const { response, leave } = await testResponse();
    leave();
    await settle();
    const exchange = new PostExchange(response, {
      owed: 1,
      isBatch: false,
      openStream: openStreamOn(response, 500),
      endStream: (stream) => stream.end(),
    });
    let closed = 0;
    exchange.onclose = () => {
      closed += 1;
    };
    await settle();
    exchange.answer('1');
    expect([exchange.isOpen, closed]).toEqual([false, 1]);
  });

  it('sends headers set before its first byte', async () => {
    const { exchange, head } = await open();
    exchange.headers['mcp-session-id'] = 'id';
    exchange.headers['x-gone'] = 'gone';
    delete exchange.headers['x-gone'];
    exchange.answer('1');
    await settle();
    expect(head()).toContain('mcp-session-id: id\r\n');
    expect(head()).not.toContain('gone');
  });

  it('counts the bytes of its JSON, not the characters', async () => {
    const { exchange, head, body } = await open();
    exchange.answer('"é€😀"');
    await settle();
    expect(head()).toContain('content-length: 11\r\n');
    expect(body()).toBe('"é€😀"');
  });
});
