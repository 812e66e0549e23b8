import type { SessionStore, StoredSessionState } from '../../hub/session-store.ts';
import { SqliteStore } from '../../hub/sqlite-store.ts';

type Write = Exclude<keyof SessionStore, 'load' | 'close'>;

/** A session store whose writes fail while it is broken, as on a full disk. */
export function failingStore() {
  const kept = new SqliteStore(':memory:');
  const state = { isBroken: false, failures: 0 };
  const failable =
    <Name extends Write>(name: Name) =>
    (...args: Parameters<SqliteStore[Name]>) => {
      if (state.isBroken) {
        state.failures += 1;
        throw new Error('database or disk is full');
      }
      Reflect.apply(kept[name], kept, args);
    };
  const store: SessionStore = {
    load: (): StoredSessionState[] => kept.load(),
    saveSession: failable('saveSession'),
    completeHandshake: failable('completeHandshake'),
    saveAgent: failable('saveAgent'),
    removeSession: failable('removeSession'),
    saveStream: failable('saveStream'),
    savePosition: failable('savePosition'),
    appendEvent: failable('appendEvent'),
    dropEvent: failable('dropEvent'),
    // Tests look into it when its hub is gone.
    close: () => undefined,
  };
  return { store, state, load: () => kept.load() };
}
