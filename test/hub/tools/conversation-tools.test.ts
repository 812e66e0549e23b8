import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Notification } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { withOptionals } from '../../simulator/mcp/sdk-server.ts';
import { until } from '../../simulator/mcp/servers.ts';
import { ask, openAgent } from '../agent-calls.ts';
import { serveHub } from '../hub-on-loopback.ts';
import { inVirtualTime, type VirtualWorld } from '../virtual-world.ts';

/** The messages on a stream that are not the hub's pings. */
function notifications(messages: unknown[]): unknown[] {
  return messages.filter(
    (message) => Reflect.get(Object(message), 'method') === 'notifications/agents/message',
  );
}

const SENT_AT = '2026-01-01T00:00:00.000Z';

describe('send_message', () => {
  it('reaches the open stream of its recipient, and is kept', () =>
    inVirtualTime({}, async ({ raw, clock }) => {
      const alice = await openAgent(raw, 'alice');
      const bob = await openAgent(raw, 'bob');
      const streams = { alice: await raw.stream(alice), bob: await raw.stream(bob) };
      const sent = { id: 1, from: 'alice', to: 'bob', sentAt: SENT_AT };
      expect(await ask(raw, alice, 'send_message', { to: 'bob', message: 'hi' })).toEqual({
        value: { ...sent, delivered: 'stream' },
      });
      await clock.sleep(1);
      const params = { ...sent, message: 'hi' };
      const notification = { jsonrpc: '2.0', method: 'notifications/agents/message', params };
      expect(notifications(streams.bob.messages())).toEqual([notification]);
      expect(notifications(streams.alice.messages())).toEqual([]);
      for (const [session, other] of [
        [alice, 'bob'],
        [bob, 'alice'],
      ] as const) {
        expect(await ask(raw, session, 'get_conversation', { with: other })).toEqual({
          value: { with: other, messages: [params], dropped: 0 },
        });
      }
    }));

  it('says that it is kept when there is no stream, and it is', () =>
    inVirtualTime({}, async ({ raw, clock }) => {
      const alice = await openAgent(raw, 'alice');
      const bob = await openAgent(raw, 'bob');
      const send = async (message: string) => {
        const answer = await ask(raw, alice, 'send_message', { to: 'bob', message });
        return Reflect.get(Object(Reflect.get(answer, 'value')), 'delivered');
      };
      expect(await send('before')).toBe('kept');
      const stream = await raw.stream(bob);
      expect(await send('during')).toBe('stream');
      stream.close();
      await clock.sleep(1);
      expect(await send('after')).toBe('kept');
      expect(await ask(raw, bob, 'get_conversation', { with: 'alice' })).toMatchObject({
        value: { messages: ['before', 'during', 'after'].map((message) => ({ message })) },
      });
    }));

  it('is not held up by a recipient that reads nothing', () =>
    inVirtualTime({ maxBuffered: 1_024 }, async ({ raw, clock }) => {
      const alice = await openAgent(raw, 'alice');
      await raw.stream(await openAgent(raw, 'bob'), { isFrozen: true });
      const began = clock.now();
      for (let count = 0; count < 100; count += 1) {
        const answer = await ask(raw, alice, 'send_message', { to: 'bob', message: 'x'.repeat(10_000) });
        expect(answer).toHaveProperty('value.delivered');
      }
      expect(clock.now() - began).toBe(0);
    }));

  it('says what is wrong, and sends nothing then', () =>
    inVirtualTime({}, async ({ raw }) => {
      const alice = await openAgent(raw, 'alice');
      const stranger = await raw.open();
      for (let count = 0; count < 25; count += 1) await openAgent(raw, `agent-${count}`);
      const message = 'hi';
      const known = Array.from({ length: 19 }, (_, count) => `agent-${count}`).join(', ');
      const unknown = `There is no agent 'nobody'. There are: alice, ${known}, and 6 more.`;
      const refused: readonly [session: string, tool: string, args: object, answer: object][] = [
        [
          stranger,
          'send_message',
          { to: 'alice', message },
          { error: expect.stringMatching(/register_agent/) },
        ],
        [stranger, 'get_conversation', { with: 'alice' }, { error: expect.stringMatching(/register_agent/) }],
        [alice, 'send_message', { to: 'nobody', message }, { error: unknown }],
        [alice, 'get_conversation', { with: 'nobody' }, { error: unknown }],
        [alice, 'send_message', { to: 'alice', message }, { error: expect.stringMatching(/not to itself/) }],
        [alice, 'send_message', { to: 'agent-1', message: '' }, { code: -32602 }],
        [alice, 'send_message', { to: 'agent-1', message: 'x'.repeat(16_385) }, { code: -32602 }],
        [alice, 'send_message', { to: 'agent-1' }, { code: -32602 }],
        [alice, 'get_conversation', { with: 'agent-1', limit: 101 }, { code: -32602 }],
        [alice, 'get_conversation', { with: 'agent-1', after: -1 }, { code: -32602 }],
      ];
      for (const [session, tool, args, answer] of refused) {
        expect(await ask(raw, session, tool, { ...args }), JSON.stringify(args).slice(0, 80)).toEqual(answer);
      }
      expect((await raw.get('/health')).json).toMatchObject({ conversations: 0 });
      expect(await ask(raw, alice, 'get_conversation', { with: 'agent-1' })).toEqual({
        value: { with: 'agent-1', messages: [], dropped: 0 },
      });
    }));

  it('among ten agents that all write to all reaches its recipient once, and nobody else (F29)', () =>
    inVirtualTime({}, (world) => crowd(world, 10)));
});

async function crowd({ raw, clock }: VirtualWorld, size: number): Promise<void> {
  const names = Array.from({ length: size }, (_, index) => `agent-${index}`);
  const agents = await Promise.all(
    names.map(async (name) => {
      const session = await openAgent(raw, name);
      return { name, session, stream: await raw.stream(session) };
    }),
  );
  const pairs = agents.flatMap((from) => agents.filter((to) => to !== from).map((to) => ({ from, to })));
  const tagOf = (from: string, to: string) => `${from} to ${to}`;
  await Promise.all(
    pairs.map(({ from, to }) =>
      ask(raw, from.session, 'send_message', { to: to.name, message: tagOf(from.name, to.name) }),
    ),
  );
  await clock.sleep(1);
  for (const { name, session, stream } of agents) {
    const others = names.filter((other) => other !== name);
    const heard = notifications(stream.messages()).map((message) => Object(message).params.message);
    expect(heard.sort()).toEqual(others.map((other) => tagOf(other, name)).sort());
    for (const other of others) {
      const { value } = Object(await ask(raw, session, 'get_conversation', { with: other }));
      const said = value.messages.map(({ message }: { message: string }) => message);
      expect(said.sort()).toEqual([tagOf(name, other), tagOf(other, name)].sort());
    }
  }
  const { json } = await raw.get('/health');
  expect(json).toMatchObject({ agents: size, conversations: (size * (size - 1)) / 2 });
}

describe('get_conversation', () => {
  it('gives 100 messages in pages, each once, while more come in', () =>
    inVirtualTime({}, async ({ raw }) => {
      const alice = await openAgent(raw, 'alice');
      const bob = await openAgent(raw, 'bob');
      const send = (message: number) =>
        ask(raw, alice, 'send_message', { to: 'bob', message: `m${message}` });
      for (let message = 1; message <= 90; message += 1) await send(message);
      const seen: unknown[] = [];
      for (let after: unknown = 0, sent = 91; after !== undefined; sent += 1) {
        const { value } = Object(
          await ask(raw, bob, 'get_conversation', { with: 'alice', after, limit: 30 }),
        );
        seen.push(...value.messages.map(({ message }: { message: string }) => message));
        after = value.next;
        if (sent <= 92) await send(sent);
      }
      expect(seen).toEqual(Array.from({ length: 92 }, (_, index) => `m${index + 1}`));
    }));

  it('says how many messages are no longer kept', () =>
    inVirtualTime({}, async ({ raw }) => {
      const alice = await openAgent(raw, 'alice');
      const bob = await openAgent(raw, 'bob');
      for (let count = 0; count < 103; count += 1) {
        await ask(raw, alice, 'send_message', { to: 'bob', message: `m${count}` });
      }
      const answer = await ask(raw, bob, 'get_conversation', { with: 'alice', limit: 1 });
      expect(answer).toMatchObject({ value: { messages: [{ id: 4, message: 'm3' }], dropped: 3, next: 4 } });
    }));
});

describe('Two official clients', () => {
  it('register, find each other, and talk over their streams', async () => {
    const { endpoint, hub } = await serveHub();
    const join = async (name: string) => {
      const client = new Client({ name, version: '1' });
      const heard: Notification[] = [];
      client.fallbackNotificationHandler = async (notification) => void heard.push(notification);
      const transport = new StreamableHTTPClientTransport(endpoint);
      onTestFinished(() => client.close());
      await client.connect(withOptionals(transport));
      await until(() => hub.sessions.peek(String(transport.sessionId))?.openStreams === 1);
      const call = async (tool: string, args: Record<string, unknown> = {}) => {
        const { isError, structuredContent } = await client.callTool({ name: tool, arguments: args });
        expect(isError).toBeUndefined();
        return structuredContent;
      };
      await call('register_agent', { name });
      return { call, heard, transport };
    };
    const alice = await join('alice');
    const bob = await join('bob');
    expect(await alice.call('list_agents')).toMatchObject({ agents: [{ name: 'alice' }, { name: 'bob' }] });
    for (const [from, to, message] of [
      [alice, 'bob', 'question'],
      [bob, 'alice', 'answer'],
      [alice, 'bob', 'thanks'],
    ] as const) {
      expect(await from.call('send_message', { to, message })).toMatchObject({ delivered: 'stream' });
    }
    await until(() => bob.heard.length === 2 && alice.heard.length === 1);
    const said = (heard: Notification[]) => heard.map(({ params }) => [params?.from, params?.message]);
    expect(said(bob.heard)).toEqual([
      ['alice', 'question'],
      ['alice', 'thanks'],
    ]);
    expect(said(alice.heard)).toEqual([['bob', 'answer']]);
    expect(await bob.call('get_conversation', { with: 'alice' })).toMatchObject({
      messages: ['question', 'answer', 'thanks'].map((message) => ({ message })),
    });
    await alice.transport.terminateSession();
    expect(await bob.call('list_agents')).toMatchObject({ agents: [{ name: 'bob' }], total: 1 });
    expect(await bob.call('get_conversation', { with: 'alice' })).toMatchObject({ messages: [{}, {}, {}] });
  });
});
