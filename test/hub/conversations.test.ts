import { describe, expect, it } from 'vitest';
import { type Agent, AgentRegistry } from '../../hub/agents.ts';
import { Conversations, MAX_MESSAGE_LENGTH } from '../../hub/conversations.ts';
import { bareSession } from './agent-calls.ts';
import { collectGarbage } from './collect-garbage.ts';

/** Agents of these names, and a way to end them as the hub does. */
function company(conversations: Conversations) {
  const agents = new AgentRegistry();
  let sessions = 0;
  return {
    join: (name: string): Agent => {
      sessions += 1;
      const agent = agents.register(bareSession(`s${sessions}`), { name });
      if (typeof agent === 'string') throw new Error(agent);
      return agent;
    },
    leave: (agent: Agent) => {
      agents.sessionEnded(agent.session.id);
      conversations.agentEnded(agent);
    },
  };
}

const ALL = { after: 0, limit: 1_000 };
const texts = (conversations: Conversations, reader: Agent, other: string) =>
  conversations.page(reader, other, ALL)?.messages.map(({ text }) => text);

describe('Conversations', () => {
  it('keep what two agents said to each other, for both and for nobody else', () => {
    const conversations = new Conversations();
    const { join } = company(conversations);
    const [a, b, c] = [join('a'), join('b'), join('c')];
    conversations.add(a, b, 'one');
    conversations.add(b, a, 'two');
    conversations.add(c, a, 'other');
    expect(conversations.size).toBe(2);
    expect([texts(conversations, a, 'b'), texts(conversations, b, 'a')]).toEqual([
      ['one', 'two'],
      ['one', 'two'],
    ]);
    expect(texts(conversations, c, 'a')).toEqual(['other']);
    expect(texts(conversations, c, 'b')).toBeUndefined();
    expect(texts(conversations, a, 'nobody')).toBeUndefined();
  });

  it('number messages upwards over the whole hub, whatever is dropped', () => {
    const conversations = new Conversations({ conversations: 1 });
    const { join } = company(conversations);
    const [a, b, c] = [join('a'), join('b'), join('c')];
    const ids = [conversations.add(a, b, ''), conversations.add(a, c, ''), conversations.add(b, a, '')].map(
      ({ id }) => id,
    );
    expect(ids).toEqual([1, 2, 3]);
    // A cursor from before the conversation was dropped and begun anew still finds what is new.
    expect(conversations.page(b, 'a', { after: 1, limit: 10 })?.messages).toMatchObject([{ id: 3 }]);
  });

  const bounds: readonly [why: string, limits: object, sent: string[], kept: string[], dropped: number][] = [
    ['as many as fit', { messagesPerConversation: 3 }, ['1', '2', '3'], ['1', '2', '3'], 0],
    ['one more', { messagesPerConversation: 3 }, ['1', '2', '3', '4'], ['2', '3', '4'], 1],
    ['one at a time', { messagesPerConversation: 1 }, ['1', '2', '3'], ['3'], 2],
    ['as many bytes as fit', { bytesPerConversation: 6 }, ['aaa', 'bbb'], ['aaa', 'bbb'], 0],
    ['a byte too many', { bytesPerConversation: 6 }, ['aaa', 'bbb', 'c'], ['bbb', 'c'], 1],
    ['bytes, not letters', { bytesPerConversation: 6 }, ['é', '€', '😀'], ['😀'], 2],
    ['one that takes all the room', { bytesPerConversation: 6 }, ['a', 'b', 'cccccc'], ['cccccc'], 2],
  ];
  it.each(bounds)('drop the oldest messages beyond their limits: %s', (_why, limits, sent, kept, dropped) => {
    const conversations = new Conversations(limits);
    const { join } = company(conversations);
    const [a, b] = [join('a'), join('b')];
    for (const text of sent) conversations.add(a, b, text);
    expect(texts(conversations, b, 'a')).toEqual(kept);
    for (const [reader, other] of [
      [a, 'b'],
      [b, 'a'],
    ] as const) {
      expect(conversations.page(reader, other, ALL)?.dropped).toBe(dropped);
    }
  });

  it('take the longest message there may be', () => {
    const conversations = new Conversations();
    const { join } = company(conversations);
    const [a, b] = [join('a'), join('b')];
    conversations.add(a, b, '€'.repeat(MAX_MESSAGE_LENGTH));
    expect(texts(conversations, b, 'a')).toHaveLength(1);
  });

  it('drop the conversation that was idle for longest, where reading is use, too', () => {
    const conversations = new Conversations({ conversations: 2 });
    const { join } = company(conversations);
    const [a, b, c, d] = [join('a'), join('b'), join('c'), join('d')];
    conversations.add(a, b, 'a-b');
    conversations.add(a, c, 'a-c');
    texts(conversations, b, 'a');
    conversations.add(a, d, 'a-d');
    expect(conversations.size).toBe(2);
    expect(['b', 'c', 'd'].map((other) => texts(conversations, a, other))).toEqual([
      ['a-b'],
      undefined,
      ['a-d'],
    ]);
    expect(texts(conversations, c, 'a')).toBeUndefined();
  });

  it('outlast one of the two, and end with the other', () => {
    const conversations = new Conversations();
    const { join, leave } = company(conversations);
    const [a, b] = [join('a'), join('b')];
    conversations.add(a, b, 'one');
    leave(a);
    expect(texts(conversations, b, 'a')).toEqual(['one']);
    leave(b);
    expect(conversations.size).toBe(0);
  });

  it('show a namesake nothing of its predecessor, and cost the other nothing (F29)', () => {
    const conversations = new Conversations();
    const { join, leave } = company(conversations);
    const [alice, bob] = [join('alice'), join('bob')];
    conversations.add(bob, alice, 'from the first bob');
    leave(bob);
    const second = join('bob');
    expect(texts(conversations, second, 'alice')).toBeUndefined();
    conversations.add(second, alice, 'from the second');
    expect(texts(conversations, second, 'alice')).toEqual(['from the second']);
    expect(texts(conversations, alice, 'bob')).toEqual(['from the first bob', 'from the second']);
    leave(alice);
    // Nobody can read what alice and the first bob said any more.
    const third = join('alice');
    conversations.add(third, second, 'from the second alice');
    expect(texts(conversations, second, 'alice')).toEqual(['from the second', 'from the second alice']);
    leave(second);
    leave(third);
    expect(conversations.size).toBe(0);
  });

  it('that were dropped and begun anew are not taken along when one of the old ones ends', () => {
    const conversations = new Conversations({ conversations: 1 });
    const { join, leave } = company(conversations);
    const [alice, bob, carol] = [join('alice'), join('bob'), join('carol')];
    conversations.add(alice, bob, 'dropped');
    conversations.add(alice, carol, 'drops it');
    leave(alice);
    const second = join('alice');
    conversations.add(second, bob, 'begun anew');
    leave(bob);
    expect(texts(conversations, second, 'bob')).toEqual(['begun anew']);
  });

  it('hold on to nobody who has ended', async () => {
    const conversations = new Conversations({ conversations: 2 });
    const { join, leave } = company(conversations);
    const [ended, stays] = ((): [WeakRef<Agent>[], Agent] => {
      const agents = ['a', 'b', 'c', 'd'].map(join);
      const stays = join('e');
      for (const from of agents) for (const to of agents) if (from !== to) conversations.add(from, to, '');
      for (const agent of agents) leave(agent);
      return [agents.map((agent) => new WeakRef(agent)), stays];
    })();
    await collectGarbage();
    expect(ended.map((agent) => agent.deref())).toEqual([undefined, undefined, undefined, undefined]);
    expect(texts(conversations, stays, 'a')).toBeUndefined();
  });

  it('let go of the room that unreadable messages took', () => {
    const conversations = new Conversations({ bytesPerConversation: 10 });
    const { join, leave } = company(conversations);
    const [alice, bob] = [join('alice'), join('bob')];
    conversations.add(bob, alice, '12345678');
    leave(bob);
    const second = join('bob');
    conversations.add(alice, second, 'a');
    leave(alice);
    const third = join('alice');
    conversations.add(second, third, '123456789');
    expect(conversations.page(second, 'alice', ALL)).toMatchObject({ messages: [{}, {}], dropped: 0 });
  });

  const pages: readonly [why: string, page: object, ids: number[], next: number | undefined][] = [
    ['the first', { after: 0, limit: 2 }, [1, 2], 2],
    ['the next', { after: 2, limit: 2 }, [3, 4], 4],
    ['the last, not full', { after: 4, limit: 2 }, [5], undefined],
    ['the last, just full', { after: 3, limit: 2 }, [4, 5], undefined],
    ['beyond the end', { after: 5, limit: 2 }, [], undefined],
    ['all', { after: 0, limit: 5 }, [1, 2, 3, 4, 5], undefined],
  ];
  it.each(pages)('come in pages: %s', (_why, page, ids, next) => {
    const conversations = new Conversations();
    const { join } = company(conversations);
    const [a, b] = [join('a'), join('b')];
    for (let count = 0; count < 5; count += 1) conversations.add(a, b, 'x');
    const given = conversations.page(b, 'a', { ...ALL, ...page });
    expect(given?.messages.map(({ id }) => id)).toEqual(ids);
    expect(given?.next).toBe(next);
  });
});
