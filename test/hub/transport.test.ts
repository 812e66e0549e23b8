import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it } from 'vitest';
import { PINGS_BEFORE_DEAD } from '../../hub/session-streams.ts';
import { SessionTransport } from '../../hub/transport.ts';
import { LIMITS, settle, testResponse } from './exchange.ts';

/** A transport, what came out of it towards the protocol, and what its hub was told. */
function open() {
  const heard: JSONRPCMessage[] = [];
  const told: string[] = [];
  const transport = new SessionTransport({
    events: LIMITS,
    maxBufferedBytes: 10_000,
    sessionId: 'session',
    retryMs: 1,
    hooks: {
      callStarted: () => void told.push('call started'),
      callEnded: () => void told.push('call ended'),
      answerLeft: () => void told.push('answer left'),
      streamOpened: () => void told.push('stream opened'),
      streamEnded: (_transport, reason) => void told.push(`stream ended: ${reason}`),
    },
  });
  transport.onmessage = (message) => void heard.push(message);
  transport.onclose = () => void told.push('closed');

  /** POSTs messages; gives the client's end. */
  async function post(...messages: JSONRPCMessage[]) {
    const client = await testResponse();
    transport.receive({ messages, isBatch: messages.length > 1 }, client.response);
    return client;
  }
  async function listen() {
    const client = await testResponse();
    transport.openStream(client.response);
    return client;
  }
  return { transport, heard, told, post, listen };
}

const call = (id: string | number): JSONRPCMessage => ({ jsonrpc: '2.0', id, method: 'tools/call' });
const result = (id: number, value: unknown): JSONRPCMessage => ({ jsonrpc: '2.0', id, result: { value } });
const cancelled = (requestId: string | number): JSONRPCMessage => ({
  jsonrpc: '2.0',
  method: 'notifications/cancelled',
  params: { requestId },
});

describe('SessionTransport: calls', () => {
  it('gives calls of one id their own answers, whatever the order (F28)', async () => {
    const { transport, heard, post } = open();
    const clients = [await post(call(1)), await post(call(1)), await post(call('1'))];
    expect(heard).toEqual([call(1), call(2), call(3)]);
    for (const id of [3, 1, 2]) await transport.send(result(id, `for ${id}`));
    await settle();
    expect(clients.map((client) => JSON.parse(client.body()))).toEqual([
      { jsonrpc: '2.0', id: 1, result: { value: 'for 1' } },
      { jsonrpc: '2.0', id: 1, result: { value: 'for 2' } },
      { jsonrpc: '2.0', id: '1', result: { value: 'for 3' } },
    ]);
  });

  it('answers a call once; answers to no call go nowhere', async () => {
    const { transport, post, told } = open();
    const client = await post(call(1));
    for (const id of [9, 1, 1]) await transport.send(result(id, id));
    await settle();
    expect(JSON.parse(client.body()).result).toEqual({ value: 1 });
    expect(told).toEqual(['call started', 'call ended', 'answer left']);
  });

  it('makes an error of a result that JSON cannot hold', async () => {
    const { transport, post } = open();
    const client = await post(call('big'));
    await transport.send(result(1, 10n));
    await settle();
    expect(JSON.parse(client.body())).toMatchObject({ id: 'big', error: { code: -32603 } });
  });

  it('sends what belongs to a call on its POST, and tells a server that asks too late', async () => {
    const { transport, post, listen } = open();
    const stream = await listen();
    const client = await post(call(1));
    const note: JSONRPCMessage = { jsonrpc: '2.0', method: 'notifications/progress' };
    const question: JSONRPCMessage = { jsonrpc: '2.0', id: 0, method: 'sampling/createMessage' };
    await transport.send(note, { relatedRequestId: 1 });
    await transport.send(question, { relatedRequestId: 1 });
    await transport.send(result(1, 1));
    await transport.send(note, { relatedRequestId: 1 });
    await expect(transport.send(question, { relatedRequestId: 1 })).rejects.toThrow('is over');
    await settle();
    expect(client.body().match(/"method":"[^"]+"|"result"/g)).toEqual([
      '"method":"notifications/progress"',
      '"method":"sampling/createMessage"',
      '"result"',
    ]);
    expect(stream.body()).toBe('retry: 1\n\n');
  });

  const requestIds: readonly [
    why: string,
    inFlight: (string | number)[],
    cancels: string | number,
    open: number,
  ][] = [
    ['the one of that id', [1, 2], 2, 1],
    ['not the number when the text is meant', [1, '1'], '1', 1],
    ['none that is not in flight', [1, 2], 3, 2],
    ['none of several with that id: there is no telling which', [1, 1], 1, 2],
    ['also number 0', [0], 0, 0],
  ];
  it.each(requestIds)('releases, when cancelled, %s', async (_why, inFlight, requestId, stillOpen) => {
    const { transport, heard, post } = open();
    for (const id of inFlight) await post(call(id));
    await post(cancelled(requestId));
    expect(transport.callsInFlight).toBe(stillOpen);
    const forwarded = heard.filter((message) => 'method' in message && message.method.startsWith('notif'));
    expect(forwarded).toHaveLength(inFlight.length - stillOpen);
  });

  it('ends its calls with an error under their own ids, its stream, and itself, once (F36)', async () => {
    const { transport, told, post, listen } = open();
    const stream = await listen();
    const clients = [await post(call('a')), await post(call(7), call(8))];
    transport.end('client', { retryMs: 2_000 });
    transport.end('again');
    await transport.close();
    await settle();
    const error = { code: -32000, message: 'The session ended before this call was done (client).' };
    expect(clients.map((client) => JSON.parse(client.body()))).toEqual([
      { jsonrpc: '2.0', id: 'a', error },
      [
        { jsonrpc: '2.0', id: 7, error },
        { jsonrpc: '2.0', id: 8, error },
      ],
    ]);
    expect(stream.body()).toBe('retry: 1\n\nretry: 2000\n\n');
    expect(told.slice(3)).toEqual([
      'call ended',
      'call ended',
      'stream ended: session-ended',
      'closed',
      'answer left',
      'answer left',
    ]);
    expect(transport.isClosed).toBe(true);
  });

  it('passes answers of the client on, but keeps those to its own pings', async () => {
    const { heard, post } = open();
    await post({ jsonrpc: '2.0', id: 0, result: {} });
    await post({ jsonrpc: '2.0', id: 'hub-ping-1', result: {} });
    await post({ jsonrpc: '2.0', id: 'hub-ping-2', error: { code: -32601, message: 'no ping here' } });
    expect(heard).toEqual([{ jsonrpc: '2.0', id: 0, result: {} }]);
  });
});

describe('SessionTransport: the GET stream', () => {
  it('is taken over by a newer one; the late close of the old one does not harm it (F18, F26)', async () => {
    const { transport, told, listen } = open();
    const old = await listen();
    const successor = await listen();
    await settle();
    expect(old.response.writableEnded).toBe(true);
    old.leave();
    await settle();
    await transport.send({ jsonrpc: '2.0', method: 'notifications/message' });
    await settle();
    expect(old.body()).not.toContain('notifications/message');
    expect(successor.body()).toContain('notifications/message');
    expect(told).toEqual(['stream opened', 'stream ended: takeover', 'stream opened']);
    expect(transport.openStreams).toBe(1);
  });

  it('is not opened for a client that left already (F40)', async () => {
    const { transport, told } = open();
    const { response, leave } = await testResponse();
    leave();
    await settle();
    transport.openStream(response);
    expect([transport.openStreams, told]).toEqual([0, []]);
  });

  it('is missing: notifications are dropped, requests fail at once', async () => {
    const { transport } = open();
    await transport.send({ jsonrpc: '2.0', method: 'notifications/message' });
    const asking = transport.send({ jsonrpc: '2.0', id: 0, method: 'roots/list' });
    await expect(asking).rejects.toThrow('no stream open');
    transport.ping();
    transport.keepAlive();
  });

  const pings: readonly [which: string, isOpen: boolean, answered: (ping: number) => boolean][] = [
    ['all', true, () => true],
    ['none', false, () => false],
    ['every third', true, (ping) => ping % 3 === 0],
    ['every fourth, so that three in a row are missing,', false, (ping) => ping % 4 === 0],
  ];
  it.each(pings)('after ten pings, %s answered: that it is open is %s', async (_which, isOpen, answered) => {
    const { transport, told, listen, post } = open();
    await listen();
    for (let ping = 1; ping <= 10 && transport.openStreams > 0; ping += 1) {
      transport.ping();
      if (answered(ping)) await post({ jsonrpc: '2.0', id: `hub-ping-${ping}`, result: {} });
    }
    expect(transport.openStreams > 0).toBe(isOpen);
    expect(told.includes('stream ended: dead-peer')).toBe(!isOpen);
  });

  it('starts with no ping unanswered, whatever the one before it left', async () => {
    const { transport, listen } = open();
    await listen();
    for (let ping = 0; ping < PINGS_BEFORE_DEAD; ping += 1) transport.ping();
    await listen();
    for (let ping = 0; ping < PINGS_BEFORE_DEAD; ping += 1) transport.ping();
    expect(transport.openStreams).toBe(1);
    transport.ping();
    expect(transport.openStreams).toBe(0);
  });
});
