import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SessionStore, StoredSession } from '../../hub/session-store.ts';

/** A store under test, and the same one opened again after its process died. */
export interface StoreUnderTest {
  readonly store: SessionStore;
  /** Opens what was kept once more, without closing anything first. */
  reopen(): SessionStore;
  cleanUp(): void;
}

function session(id: string, more: Partial<StoredSession> = {}): StoredSession {
  return {
    id,
    clientInfo: { name: 'client', version: '1' },
    protocolVersion: '2025-11-25',
    initializeParams: { protocolVersion: '2025-11-25', capabilities: { roots: {} } },
    identity: null,
    isHandshakeDone: false,
    ...more,
  };
}

/** What every SessionStore promises. */
export function describeSessionStore(name: string, open: () => StoreUnderTest): void {
  describe(`${name}, as a session store`, () => {
    let test: StoreUnderTest;
    beforeEach(() => {
      test = open();
    });
    afterEach(() => test.cleanUp());

    it('keeps nothing at first', () => {
      expect(test.store.load()).toEqual([]);
    });

    it('gives back sessions as they were, in order, to whoever opens it after a crash', () => {
      const kept = [
        session('b'),
        session('a', { identity: 'team', isHandshakeDone: true, initializeParams: null }),
      ];
      for (const one of kept) test.store.saveSession(one);
      expect(test.reopen().load()).toEqual(
        kept.map((one) => ({ ...one, agent: null, events: [], streams: [], positions: [] })),
      );
    });

    it('keeps that a handshake was completed', () => {
      test.store.saveSession(session('a'));
      test.store.completeHandshake('a');
      expect(test.reopen().load()).toMatchObject([{ id: 'a', isHandshakeDone: true }]);
    });

    it('keeps which agent a session is, each as it was saved last', () => {
      for (const id of ['a', 'b', 'c']) test.store.saveSession(session(id));
      const [alice, bob] = [
        { number: 7, name: 'alice', description: 'says "hi"\n' },
        { number: 3, name: 'bob', description: '' },
      ];
      test.store.saveAgent('a', { ...alice, description: 'at first' });
      for (let time = 0; time < 2; time += 1) test.store.saveAgent('a', alice);
      test.store.saveAgent('c', bob);
      const agents = test
        .reopen()
        .load()
        .map(({ agent }) => agent);
      expect(agents).toEqual([alice, null, bob]);
    });

    it('keeps events in the order of sending, each once, and what streams owe', () => {
      test.store.saveSession(session('a'));
      for (const [stream, seq] of [
        [0, 1],
        [3, 1],
        [0, 2],
        [0, 2],
      ] as const) {
        test.store.appendEvent('a', { stream, seq, json: `{"n":"${stream}-${seq}"}` });
      }
      test.store.saveStream('a', { stream: 3, owes: [1, 'x'], isEnded: false });
      test.store.saveStream('a', { stream: 3, owes: ['x'], isEnded: false });
      expect(test.reopen().load()).toMatchObject([
        {
          events: [
            { stream: 0, seq: 1, json: '{"n":"0-1"}' },
            { stream: 3, seq: 1 },
            { stream: 0, seq: 2 },
          ],
          streams: [{ stream: 3, owes: ['x'], isEnded: false }],
        },
      ]);
    });

    it('drops events that are no longer needed', () => {
      test.store.saveSession(session('a'));
      for (const seq of [1, 2]) test.store.appendEvent('a', { stream: 0, seq, json: '{}' });
      test.store.dropEvent('a', 0, 1);
      test.store.dropEvent('a', 0, 7);
      expect(test.reopen().load()[0]?.events).toMatchObject([{ seq: 2 }]);
    });

    it('keeps how far streams have got, as it was saved last', () => {
      test.store.saveSession(session('a'));
      test.store.savePosition('a', { stream: 0, lastSeq: 7, written: 5 });
      test.store.savePosition('a', { stream: 2, lastSeq: 3, written: null });
      test.store.savePosition('a', { stream: 0, lastSeq: 8, written: null });
      expect(test.reopen().load()[0]?.positions).toEqual([
        { stream: 0, lastSeq: 8, written: null },
        { stream: 2, lastSeq: 3, written: null },
      ]);
    });

    it('forgets streams that ended and have no event, when another begins, but never the latest', () => {
      for (const id of ['a', 'b']) test.store.saveSession(session(id));
      const numbers = () => test.store.load().map(({ streams }) => streams.map(({ stream }) => stream));
      const begin = (id: string, stream: number) =>
        test.store.saveStream(id, { stream, owes: [1], isEnded: false });
      const end = (id: string, stream: number) =>
        test.store.saveStream(id, { stream, owes: [], isEnded: true });
      begin('b', 1);
      end('b', 1);
      test.store.savePosition('a', { stream: 0, lastSeq: 9, written: null });
      for (const stream of [1, 2, 3, 4]) {
        begin('a', stream);
        test.store.savePosition('a', { stream, lastSeq: 1, written: null });
      }
      test.store.appendEvent('a', { stream: 2, seq: 1, json: '{}' });
      for (const stream of [1, 2, 4]) end('a', stream);
      expect(numbers()).toEqual([[1, 2, 3, 4], [1]]);
      begin('a', 5);
      expect(numbers()).toEqual([[2, 3, 5], [1]]);
      test.store.dropEvent('a', 2, 1);
      end('a', 3);
      end('a', 5);
      begin('a', 6);
      expect(numbers()).toEqual([[6], [1]]);
      expect(test.store.load()[0]?.positions).toEqual([{ stream: 0, lastSeq: 9, written: null }]);
    });

    it('forgets a session with all that belongs to it, and keeps nothing for one it does not know', () => {
      test.store.saveSession(session('a'));
      test.store.saveSession(session('b'));
      test.store.appendEvent('a', { stream: 0, seq: 1, json: '{}' });
      test.store.saveStream('a', { stream: 1, owes: [], isEnded: true });
      test.store.savePosition('a', { stream: 0, lastSeq: 1, written: null });
      test.store.saveAgent('a', { number: 1, name: 'alice', description: '' });
      for (let time = 0; time < 2; time += 1) test.store.removeSession('a');
      test.store.appendEvent('a', { stream: 0, seq: 2, json: '{}' });
      test.store.saveStream('a', { stream: 2, owes: [], isEnded: true });
      test.store.savePosition('a', { stream: 0, lastSeq: 2, written: 1 });
      test.store.saveAgent('a', { number: 2, name: 'alice', description: '' });
      test.store.completeHandshake('a');
      expect(
        test
          .reopen()
          .load()
          .map(({ id }) => id),
      ).toEqual(['b']);
      test.store.saveSession(session('a'));
      expect(test.store.load()[1]).toMatchObject({
        id: 'a',
        agent: null,
        events: [],
        streams: [],
        positions: [],
      });
    });

    it('saves a session twice without losing what belongs to it', () => {
      test.store.saveSession(session('a'));
      test.store.appendEvent('a', { stream: 0, seq: 1, json: '{}' });
      test.store.saveAgent('a', { number: 1, name: 'alice', description: '' });
      test.store.saveSession(session('a', { isHandshakeDone: true }));
      expect(test.store.load()).toMatchObject([
        { isHandshakeDone: true, agent: { name: 'alice' }, events: [{ seq: 1 }] },
      ]);
    });

    it('closes more than once', () => {
      test.store.close();
      test.store.close();
    });
  });
}
