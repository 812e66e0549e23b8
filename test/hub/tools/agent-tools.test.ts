import { describe, expect, it } from 'vitest';
import { fingerprint } from '../../../hub/fingerprint.ts';
import { ask, openAgent } from '../agent-calls.ts';
import { inVirtualTime } from '../virtual-world.ts';

const START = '2026-01-01T00:00:00.000Z';

describe('register_agent and list_agents', () => {
  it('make an agent of a session, show it to all, and count it', () =>
    inVirtualTime({}, async ({ raw, clock }) => {
      const session = await raw.open();
      const args = { name: 'alice', description: 'answers' };
      const alice = { ...args, since: START };
      expect(await ask(raw, session, 'register_agent', args)).toEqual({ value: alice });
      await clock.sleep(1_000);
      expect(await ask(raw, session, 'register_agent', args)).toEqual({ value: alice });
      const bob = await openAgent(raw, 'bob');
      const both = [alice, { name: 'bob', description: '', since: '2026-01-01T00:00:01.000Z' }];
      expect(await ask(raw, bob, 'list_agents')).toEqual({ value: { agents: both, total: 2, you: 'bob' } });
      const stranger = await raw.open();
      expect(await ask(raw, stranger, 'list_agents')).toEqual({ value: { agents: both, total: 2 } });
      expect((await raw.get('/health')).json).toMatchObject({ agents: 2, sessions: 3 });
      const listed = Object((await raw.get('/sessions')).json).sessions;
      expect(listed).toMatchObject([{ agent: 'alice' }, { agent: 'bob' }, { agent: null }]);
    }));

  it('say what is wrong, and change nothing then', () =>
    inVirtualTime({}, async ({ raw }) => {
      const alice = await openAgent(raw, 'alice');
      const other = await raw.open();
      const refused: readonly [session: string, args: Record<string, unknown>, answer: object][] = [
        [other, { name: 'alice' }, { error: expect.stringMatching(/^The name 'alice' is taken/) }],
        [alice, { name: 'bob' }, { error: expect.stringMatching(/under another name already/) }],
        [other, {}, { code: -32602 }],
        [other, { name: 'a b' }, { code: -32602 }],
        [other, { name: 'x'.repeat(65) }, { code: -32602 }],
        [other, { name: 'x', description: 'd'.repeat(501) }, { code: -32602 }],
      ];
      for (const [session, args, answer] of refused) {
        expect(await ask(raw, session, 'register_agent', args), JSON.stringify(args)).toEqual(answer);
      }
      for (const args of [{ limit: 0 }, { limit: 1_001 }, { after: -1 }, { after: 1.5 }]) {
        expect(await ask(raw, other, 'list_agents', args)).toEqual({ code: -32602 });
      }
      expect(await ask(raw, other, 'list_agents')).toMatchObject({ value: { total: 1 } });
    }));

  it('list 250 agents in pages, each once', () =>
    inVirtualTime({}, async ({ raw, hub }) => {
      const names = Array.from({ length: 250 }, (_, index) => `agent-${index}`);
      let session = '';
      for (const name of names) session = await openAgent(raw, name);
      const seen: unknown[] = [];
      const sizes: number[] = [];
      for (let after: unknown = 0; after !== undefined; ) {
        const answer = await ask(raw, session, 'list_agents', { after });
        if (!('value' in answer)) throw new Error(JSON.stringify(answer));
        const { agents, next } = Object(answer.value);
        sizes.push(agents.length);
        seen.push(...agents.map(({ name }: { name: string }) => name));
        after = next;
      }
      expect(sizes).toEqual([100, 100, 50]);
      expect(seen).toEqual(names);
      expect(hub.sessions.size).toBe(250);
    }));

  it('hold nothing that is accepted as a session id (F33)', () =>
    inVirtualTime({}, async ({ raw }) => {
      const alice = await openAgent(raw, 'alice');
      const bob = await openAgent(raw, 'bob');
      const answers = [
        await raw.call(alice, 'list_agents', {}),
        await raw.call(alice, 'register_agent', { name: 'alice' }),
        await raw.call(alice, 'send_message', { to: 'bob', message: 'hi' }),
        await raw.call(alice, 'send_message', { to: 'nobody', message: 'hi' }),
        await raw.call(bob, 'get_conversation', { with: 'alice' }),
        await raw.get('/sessions'),
        await raw.get('/metrics'),
      ];
      for (const { text } of answers) {
        for (const id of [alice, bob]) expect(text).not.toContain(id);
      }
      expect(answers.slice(0, 5).map(({ text }) => text.includes(fingerprint(alice)))).not.toContain(true);
      for (const name of ['alice', 'bob']) expect((await raw.ping(name)).status).toBe(404);
    }));
});
