import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { SqliteStore } from '../../hub/sqlite-store.ts';
import { describeSessionStore } from './session-store-contract.ts';

describeSessionStore('An SQLite file', () => {
  const dir = mkdtempSync(join(tmpdir(), 'mcp-soak-store-'));
  const path = join(dir, 'sessions.db');
  const opened = [new SqliteStore(path)];
  const [store = new SqliteStore(path)] = opened;
  return {
    store,
    reopen: () => {
      // As a crash leaves the files: the process before has them locked.
      const copy = join(dir, `crashed-${opened.length}.db`);
      for (const suffix of ['', '-wal']) copyFileSync(path + suffix, copy + suffix);
      const again = new SqliteStore(copy);
      opened.push(again);
      return again;
    },
    cleanUp: () => {
      for (const one of opened) one.close();
      rmSync(dir, { recursive: true });
    },
  };
});

describe('SqliteStore', () => {
  it('takes up a file of version 1, which knows no agents', () => {
    const dir = mkdtempSync(join(tmpdir(), 'mcp-soak-store-'));
    const path = join(dir, 'sessions.db');
    const session = {
      ...{ id: 'a', clientInfo: { name: 'client', version: '1' }, protocolVersion: '2025-11-25' },
      ...{ initializeParams: {}, identity: null, isHandshakeDone: true },
    };
    const before = new SqliteStore(path);
    before.saveSession(session);
    before.close();
    const database = new DatabaseSync(path);
    database.exec('DROP TABLE agents; PRAGMA user_version = 1');
    database.close();
    for (const agent of [null, { number: 1, name: 'alice', description: '' }]) {
      const store = new SqliteStore(path);
      expect(store.load()).toMatchObject([{ ...session, agent }]);
      store.saveAgent('a', { number: 1, name: 'alice', description: '' });
      store.close();
    }
    rmSync(dir, { recursive: true });
  });

  it.each([
    [
      'that is no database',
      (path: string) => writeFileSync(path, 'not a database at all, but long enough to be read as one'),
    ],
    [
      'of another version',
      (path: string) => {
        const database = new DatabaseSync(path);
        database.exec('PRAGMA user_version = 99');
        database.close();
      },
    ],
    ['in a folder that is not there', (path: string) => rmSync(dirname(path), { recursive: true })],
  ])('refuses a file %s, and names it', (_what, make) => {
    const dir = mkdtempSync(join(tmpdir(), 'mcp-soak-store-'));
    const path = join(dir, 'sessions.db');
    make(path);
    expect(() => new SqliteStore(path)).toThrow(path);
    rmSync(dir, { recursive: true, force: true });
  });

  it('is one hub’s as long as it is open: a second one is refused, and told why', () => {
    const dir = mkdtempSync(join(tmpdir(), 'mcp-soak-store-'));
    const path = join(dir, 'sessions.db');
    const first = new SqliteStore(path);
    expect(() => new SqliteStore(path, { lockWaitMs: 0 })).toThrow(/another process has it open/);
    first.close();
    new SqliteStore(path).close();
    rmSync(dir, { recursive: true });
  });
});
