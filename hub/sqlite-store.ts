import { DatabaseSync, type StatementSync } from 'node:sqlite';
import * as z from 'zod';
import type {
  SessionStore,
  StoredAgent,
  StoredPosition,
  StoredSession,
  StoredSessionState,
  StoredStream,
  StoredStreamEvent,
} from './session-store.ts';

/** Rises with every change of the tables below: a file of a version not named here is refused, not misread. */
const SCHEMA_VERSION = 3;
/** 0: a new file. 1 and 2 lack nothing but tables, which are made. */
const VERSIONS_TAKEN_UP = [0, 1, 2];

const TABLES = `
  CREATE TABLE IF NOT EXISTS sessions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    client_info TEXT NOT NULL,
    protocol_version TEXT NOT NULL,
    initialize_params TEXT NOT NULL,
    identity TEXT,
    is_handshake_done INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS agents (
    session_id TEXT PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS streams (
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    stream INTEGER NOT NULL,
    owes TEXT NOT NULL,
    is_ended INTEGER NOT NULL,
    PRIMARY KEY (session_id, stream)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS positions (
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    stream INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    written INTEGER,
    PRIMARY KEY (session_id, stream)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    stream INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    json TEXT NOT NULL,
    UNIQUE (session_id, stream, seq)
  ) STRICT;
`;

const json = <Shape extends z.ZodType>(shape: Shape) =>
  z.string().transform((text) => shape.parse(JSON.parse(text)));
const flag = z.number().transform((value) => value === 1);

const SessionRow = z.object({
  id: z.string(),
  client_info: json(z.object({ name: z.string(), version: z.string() })),
  protocol_version: z.string(),
  initialize_params: json(z.unknown()),
  identity: z.string().nullable(),
  is_handshake_done: flag,
});
const AgentRow = z.object({
  session_id: z.string(),
  number: z.number(),
  name: z.string(),
  description: z.string(),
});
const StreamRow = z.object({
  session_id: z.string(),
  stream: z.number(),
  owes: json(z.array(z.union([z.string(), z.number()]))),
  is_ended: flag,
});
const PositionRow = z.object({
  session_id: z.string(),
  stream: z.number(),
  last_seq: z.number(),
  written: z.number().nullable(),
});
const EventRow = z.object({ session_id: z.string(), stream: z.number(), seq: z.number(), json: z.string() });
const VersionRow = z.object({ user_version: z.number() });

/**
 * Sessions in an SQLite file. Written ahead and synchronously: a process that is killed loses nothing. (A machine
 * that loses power may lose the last moments: `synchronous` is NORMAL.) One hub to a file.
 */
export class SqliteStore implements SessionStore {
  readonly #database: DatabaseSync;
  readonly #insertSession: StatementSync;
  readonly #setHandshake: StatementSync;
  readonly #deleteSession: StatementSync;
  readonly #upsertAgent: StatementSync;
  readonly #upsertStream: StatementSync;
  readonly #forgetStreams: StatementSync;
  readonly #forgetPositions: StatementSync;
  readonly #upsertPosition: StatementSync;
  readonly #insertEvent: StatementSync;
  readonly #deleteEvent: StatementSync;

  /** @throws Error that names the file: it is no database, cannot be written, belongs to another hub or version */
  constructor(path: string, { lockWaitMs = LOCK_WAIT_MS } = {}) {
    const database = openDatabase(path, lockWaitMs);
    this.#database = database;
    this.#insertSession = database.prepare(
      `INSERT INTO sessions (id, client_info, protocol_version, initialize_params, identity, is_handshake_done)
       VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET is_handshake_done = excluded.is_handshake_done`,
    );
    this.#setHandshake = database.prepare('UPDATE sessions SET is_handshake_done = 1 WHERE id = ?');
    this.#deleteSession = database.prepare('DELETE FROM sessions WHERE id = ?');
    this.#upsertAgent = database.prepare(
      `INSERT OR REPLACE INTO agents (session_id, number, name, description)
       SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM sessions WHERE id = ?1)`,
    );
    this.#upsertStream = database.prepare(
      `INSERT OR REPLACE INTO streams (session_id, stream, owes, is_ended)
       SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM sessions WHERE id = ?1)`,
    );
    this.#forgetStreams = database.prepare(
      `DELETE FROM streams WHERE session_id = ?1 AND stream < ?2 AND is_ended = 1 AND NOT EXISTS
       (SELECT 1 FROM events WHERE events.session_id = ?1 AND events.stream = streams.stream)`,
    );
    this.#forgetPositions = database.prepare(
      `DELETE FROM positions WHERE session_id = ?1 AND stream BETWEEN 1 AND ?2 - 1 AND NOT EXISTS
       (SELECT 1 FROM streams WHERE streams.session_id = ?1 AND streams.stream = positions.stream)`,
    );
    this.#upsertPosition = database.prepare(
      `INSERT OR REPLACE INTO positions (session_id, stream, last_seq, written)
       SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM sessions WHERE id = ?1)`,
    );
    this.#insertEvent = database.prepare(
      `INSERT OR IGNORE INTO events (session_id, stream, seq, json)
       SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM sessions WHERE id = ?1)`,
    );
    this.#deleteEvent = database.prepare(
      'DELETE FROM events WHERE session_id = ? AND stream = ? AND seq = ?',
    );
  }

  load(): StoredSessionState[] {
    const rows = (table: string, order: string) =>
      this.#database.prepare(`SELECT * FROM ${table} ORDER BY ${order}`).all();
    const agents = new Map(
      z
        .array(AgentRow)
        .parse(rows('agents', 'number'))
        .map(({ session_id: sessionId, ...agent }) => [sessionId, agent]),
    );
    const streams = Map.groupBy(z.array(StreamRow).parse(rows('streams', 'stream')), (row) => row.session_id);
    const events = Map.groupBy(z.array(EventRow).parse(rows('events', 'number')), (row) => row.session_id);
    const positions = Map.groupBy(
      z.array(PositionRow).parse(rows('positions', 'stream')),
      (row) => row.session_id,
    );
    return z
      .array(SessionRow)
      .parse(rows('sessions', 'number'))
      .map((row) => ({
        id: row.id,
        clientInfo: row.client_info,
        protocolVersion: row.protocol_version,
        initializeParams: row.initialize_params,
        identity: row.identity,
        isHandshakeDone: row.is_handshake_done,
        agent: agents.get(row.id) ?? null,
        events: (events.get(row.id) ?? []).map(({ stream, seq, json: text }) => ({
          stream,
          seq,
          json: text,
        })),
        streams: (streams.get(row.id) ?? []).map(({ stream, owes, is_ended: isEnded }) => ({
          stream,
          owes,
          isEnded,
        })),
        positions: (positions.get(row.id) ?? []).map(({ stream, last_seq: lastSeq, written }) => ({
          stream,
          lastSeq,
          written,
        })),
      }));
  }

  saveSession(session: StoredSession): void {
    this.#insertSession.run(
      session.id,
      JSON.stringify(session.clientInfo),
      session.protocolVersion,
      JSON.stringify(session.initializeParams ?? null),
      session.identity,
      Number(session.isHandshakeDone),
    );
  }

  completeHandshake(sessionId: string): void {
    this.#setHandshake.run(sessionId);
  }

  saveAgent(sessionId: string, { number, name, description }: StoredAgent): void {
    this.#upsertAgent.run(sessionId, number, name, description);
  }

  removeSession(sessionId: string): void {
    this.#deleteSession.run(sessionId);
  }

  saveStream(sessionId: string, { stream, owes, isEnded }: StoredStream): void {
    this.#upsertStream.run(sessionId, stream, JSON.stringify(owes), Number(isEnded));
    if (isEnded) return;
    this.#forgetStreams.run(sessionId, stream);
    this.#forgetPositions.run(sessionId, stream);
  }

  savePosition(sessionId: string, { stream, lastSeq, written }: StoredPosition): void {
    this.#upsertPosition.run(sessionId, stream, lastSeq, written);
  }

  appendEvent(sessionId: string, { stream, seq, json: text }: StoredStreamEvent): void {
    this.#insertEvent.run(sessionId, stream, seq, text);
  }

  dropEvent(sessionId: string, stream: number, seq: number): void {
    this.#deleteEvent.run(sessionId, stream, seq);
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }
}

/** How long the process before may still hold its file, ms. */
const LOCK_WAIT_MS = 1_000;
/** SQLITE_BUSY */
const BUSY = 5;

/**
 * The lock is held as long as the file is open, and let go by whatever ends the process: two hubs on one file would
 * each serve the same sessions, and know nothing of what the other does to them.
 */
function openDatabase(path: string, lockWaitMs: number): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: lockWaitMs });
    database.exec(
      'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;',
    );
    claimVersion(database);
    database.exec(TABLES);
    return database;
  } catch (cause) {
    database?.close();
    const isBusy = cause instanceof Error && Reflect.get(cause, 'errcode') === BUSY;
    const text = cause instanceof Error ? cause.message : String(cause);
    const why = isBusy ? 'another process has it open; one hub to a file' : text;
    throw new Error(`The session store ${path} cannot be used: ${why}.`, { cause });
  }
}

function claimVersion(database: DatabaseSync): void {
  const { user_version: version } = VersionRow.parse(database.prepare('PRAGMA user_version').get());
  if (VERSIONS_TAKEN_UP.includes(version)) database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  else if (version !== SCHEMA_VERSION) {
    throw new Error(`it has version ${version}, this hub reads version ${SCHEMA_VERSION}`);
  }
}
