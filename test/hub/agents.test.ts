import { describe, expect, it } from 'vitest';
import { type Agent, AgentRegistry, agentName } from '../../hub/agents.ts';
import { createMcpServer } from '../../hub/mcp-server.ts';
import type { McpServerContext } from '../../hub/server-context.ts';
import { ask, bareSession, openAgent } from './agent-calls.ts';
import { inVirtualTime, type VirtualWorld } from './virtual-world.ts';

describe('A registry of agents', () => {
  const names = (agents: Iterable<Agent>) => [...agents].map(({ name }) => name);

  it('knows an agent by name and by session, until that session ends', () => {
    const agents = new AgentRegistry();
    const agent = agents.register(bareSession('s1'), { name: 'alice', description: 'first' });
    expect(agent).toMatchObject({ number: 1, name: 'alice', description: 'first', isEnded: false });
    expect([agents.named('alice'), agents.ofSession('s1'), agents.size]).toEqual([agent, agent, 1]);
    expect(agents.sessionEnded('s1')).toBe(agent);
    expect(agent).toMatchObject({ isEnded: true });
    expect([agents.named('alice'), agents.ofSession('s1'), agents.size]).toEqual([undefined, undefined, 0]);
    expect(agents.sessionEnded('s1')).toBeUndefined();
  });

  it('gives a name to one session only, and to another once that has ended', () => {
    const agents = new AgentRegistry();
    const first = agents.register(bareSession('s1'), { name: 'alice' });
    expect(agents.register(bareSession('s2'), { name: 'alice' })).toBe('name-taken');
    agents.sessionEnded('s2');
    expect(agents.named('alice')).toBe(first);
    agents.sessionEnded('s1');
    expect(agents.register(bareSession('s2'), { name: 'alice' })).toMatchObject({ number: 2 });
  });

  it('takes a repeated registration for the same one, and no second name', () => {
    const agents = new AgentRegistry();
    const agent = agents.register(bareSession('s1'), { name: 'alice', description: 'first' });
    expect(agents.register(bareSession('s1'), { name: 'alice', description: 'again' })).toBe(agent);
    expect(agents.register(bareSession('s1'), { name: 'bob' })).toBe('named-already');
    expect(names(agents.list())).toEqual(['alice']);
  });

  it('takes so many and no more; one that ends makes room', () => {
    const agents = new AgentRegistry({ maxAgents: 2 });
    for (const name of ['a', 'b']) agents.register(bareSession(name), { name });
    expect(agents.register(bareSession('c'), { name: 'c' })).toBe('too-many');
    expect(agents.register(bareSession('a'), { name: 'a' })).toMatchObject({ name: 'a' });
    agents.sessionEnded('a');
    agents.register(bareSession('c'), { name: 'c' });
    expect(names(agents.list())).toEqual(['b', 'c']);
    expect(names(agents.list(2))).toEqual(['c']);
  });

  it('takes up agents of an earlier process under their numbers, and tells nobody of these', () => {
    const told: string[] = [];
    const agents = new AgentRegistry({ onRegistered: ({ name }) => told.push(name) });
    agents.restore(bareSession('s2'), { number: 2, name: 'bob', description: 'second' });
    agents.restore(bareSession('s5'), { number: 5, name: 'eve', description: '' });
    agents.restore(bareSession('s6'), { number: 6, name: 'bob', description: 'a namesake' });
    expect(agents.ofSession('s2')).toMatchObject({ number: 2, name: 'bob', description: 'second' });
    expect(agents.ofSession('s6')).toBeUndefined();
    expect(agents.register(bareSession('s2'), { name: 'bob' })).toBe(agents.named('bob'));
    expect(agents.register(bareSession('s7'), { name: 'new' })).toMatchObject({ number: 6 });
    expect(names(agents.list(2))).toEqual(['eve', 'new']);
    expect(told).toEqual(['new']);
  });

  const names64 = 'x'.repeat(64);
  it.each(['a', 'A1', '0', 'random_agent', 'web-1.example', 'constructor', names64])(
    'takes the name %s',
    (name) => expect(agentName.safeParse(name).success).toBe(true),
  );
  it.each(['', ' ', '-a', '.a', '_a', 'a b', 'a\n', 'ä', 'a/b', '<b>', `${names64}x`])(
    'does not take the name %j',
    (name) => expect(agentName.safeParse(name).success).toBe(false),
  );
});

describe('An agent ends with its session', () => {
  type End = (world: VirtualWorld, session: string) => Promise<unknown>;
  const ends: readonly [how: string, reason: string, end: End][] = [
    ['its client DELETEs it', 'client', ({ raw }, session) => raw.delete(session)],
    ['nobody uses it', 'idle', ({ clock }) => clock.sleep(12_000)],
    [
      'its transport closes',
      'error',
      async ({ hub }, session) => hub.sessions.peek(session)?.transport.close(),
    ],
    ['its server closes', 'error', async ({ hub }, session) => hub.sessions.peek(session)?.server.close()],
    ['the hub shuts down', 'shutdown', ({ hub }) => hub.shutdown()],
  ];
  it.each(ends)('when %s: %s', async (_how, reason, end) => {
    const contexts: McpServerContext[] = [];
    const counts = () => contexts.slice(-1).map((hub) => [hub.agents.size, hub.conversations.size]);
    await inVirtualTime(
      { sessionTimeout: '10s', cleanupInterval: '1s' },
      async (world) => {
        const { raw, hub } = world;
        const alice = await openAgent(raw, 'alice');
        const bob = await openAgent(raw, 'bob');
        await ask(raw, bob, 'send_message', { to: 'alice', message: 'hi' });
        expect(counts()).toEqual([[2, 1]]);
        await end(world, alice);
        expect(hub.sessions.hasSession(alice)).toBe(false);
        expect(Reflect.get(hub.sessions.counters().ended, reason)).toBeGreaterThan(0);
        const isBobThere = hub.sessions.hasSession(bob);
        // What bob wrote is bob's to read.
        expect(counts()).toEqual([isBobThere ? [1, 1] : [0, 0]]);
        if (isBobThere) await raw.delete(bob);
        expect(counts()).toEqual([[0, 0]]);
      },
      {
        createMcpServer: (context) => {
          contexts.push(context);
          return createMcpServer(context);
        },
      },
    );
  });

  it('so that a call on its way when the session ends registers nobody', () =>
    inVirtualTime({}, async ({ raw, hub }) => {
      const session = await raw.open();
      const late = raw.call(session, 'register_agent', { name: 'late' });
      const transport = hub.sessions.peek(session)?.transport;
      const receive = transport?.onmessage;
      if (!transport || !receive) throw new Error('no transport');
      transport.onmessage = (...args) => {
        receive(...args);
        hub.sessions.removeSession(session, 'client');
      };
      expect((await late).json).toMatchObject({ error: { code: -32000 } });
      expect((await raw.get('/health')).json).toMatchObject({ agents: 0, sessions: 0 });
    }));
});
