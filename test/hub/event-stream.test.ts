import { describe, expect, it } from 'vitest';
import { EventStream } from '../../hub/event-stream.ts';
import { STREAM, settle, testResponse } from './exchange.ts';

describe('EventStream', () => {
  it('says at once how to come back, and forbids holding events back (F25, F44)', async () => {
    const { response, head, body } = await testResponse();
    new EventStream(response, { ...STREAM, retryMs: 3_000, headers: { 'x-more': 'yes' } });
    await settle();
    expect(head()).toContain('HTTP/1.1 200 OK\r\n');
    for (const line of [
      'content-type: text/event-stream',
      'cache-control: no-cache, no-transform',
      'x-accel-buffering: no',
      'x-more: yes',
    ]) {
      expect(`${head()}\r\n`).toContain(`${line}\r\n`);
    }
    expect(body()).toBe('retry: 3000\n\n');
  });

  it('sends messages as events and keep-alives as comments', async () => {
    const { response, body } = await testResponse();
    const stream = new EventStream(response, STREAM);
    stream.send('{"a":"\\n"}');
    stream.comment();
    await settle();
    expect(body()).toBe('retry: 1\n\nevent: message\ndata: {"a":"\\n"}\n\n: keep-alive\n\n');
  });

  const ends: readonly [how: string, options: { retryMs?: number }, last: string][] = [
    ['without a word', {}, ''],
    ['asking the client to stay away for a while (F24)', { retryMs: 7_000 }, 'retry: 7000\n\n'],
  ];
  it.each(ends)('ends once, %s, and says nothing afterwards', async (_how, options, last) => {
    const { response, body } = await testResponse();
    const stream = new EventStream(response, STREAM);
    expect(stream.isOpen).toBe(true);
    stream.end(options);
    expect(stream.isOpen).toBe(false);
    stream.end({ retryMs: 1 });
    stream.send('late');
    stream.comment();
    await settle();
    expect(body()).toBe(`retry: 1\n\n${last}`);
    expect(response.writableFinished).toBe(true);
  });

  it('is over when the client leaves, and then writes to nobody (F40)', async () => {
    const { response, leave } = await testResponse();
    const stream = new EventStream(response, STREAM);
    leave();
    await settle();
    expect(stream.isOpen).toBe(false);
    stream.send('late');
    stream.comment();
    stream.end({ retryMs: 1 });
    await settle();
  });
});
