import { Ledger } from '../../../simulator/judge/ledger.ts';
import type { LedgerReport } from '../../../simulator/judge/ledger-report.ts';
import { PolicySchema } from '../../../simulator/judge/policy.ts';
import type { SessionEvent } from '../../../simulator/judge/session-event.ts';
import { MAX_LATENCY_MS, ModelWorld } from './model-world.ts';

export type Defect =
  | 'none'
  | 'no-reaper'
  | 'from-creation'
  | 'kills-in-flight'
  | 'delete-keeps'
  | 'ignores-streams'
  | 'ignores-window'
  | 'halves-window'
  | 'window-for-all';

export const MODEL_POLICY = PolicySchema.parse({
  sessionTimeoutMs: 2_000,
  cleanupIntervalMs: 500,
  handshakeTimeoutMs: 1_000,
  deadPeerMs: 800,
});

const RUN_MS = 20_000;
const SETTLE_MS = 8_000;

type Unplaced<T> = T extends unknown ? Omit<T, 'session' | 'at'> : never;

interface Held {
  readonly createdAt: number;
  usedAt: number;
  isStreamLost: boolean;
  isComplete: boolean;
  calls: number;
  /** Number of each open stream, and how to tell the client that it ended. */
  readonly streams: Map<number, () => void>;
}

interface ServerOptions {
  readonly countsFromEnd: boolean;
  readonly cap: number;
  readonly streamLostMs: number | null;
}

/** A server with sessions: right in every respect, or with one defect. */
class Server {
  readonly held = new Map<string, Held>();
  readonly #world: ModelWorld;
  readonly #defect: Defect;
  readonly #countsFromEnd: boolean;
  readonly #cap: number;
  readonly #streamLostMs: number | null;

  constructor(world: ModelWorld, defect: Defect, { countsFromEnd, cap, streamLostMs }: ServerOptions) {
    this.#world = world;
    this.#streamLostMs = streamLostMs;
    this.#defect = defect;
    this.#countsFromEnd = countsFromEnd;
    this.#cap = cap;
    this.#sweepLater(world.between(0, MODEL_POLICY.cleanupIntervalMs));
  }

  initialize(id: string): boolean {
    if (this.held.size >= this.#cap) {
      const idle = [...this.held].filter(([, held]) => held.calls + held.streams.size === 0);
      const oldest = idle.sort(([, a], [, b]) => a.usedAt - b.usedAt)[0];
      if (!oldest) return false;
      this.#end(oldest[0]);
    }
    const now = this.#world.now;
    this.held.set(id, {
      ...{ createdAt: now, usedAt: now, isStreamLost: false },
      ...{ isComplete: false, calls: 0, streams: new Map() },
    });
    return true;
  }

  /** Answers `done(isGone)` after `ms` of work. */
  call(id: string, ms: number, done: (isGone: boolean) => void): void {
    const held = this.held.get(id);
    if (!held) {
      done(true);
      return;
    }
    held.isComplete = true;
    this.#use(held);
    held.calls += 1;
    this.#world.after(ms, () => {
      held.calls -= 1;
      if (this.#countsFromEnd) this.#use(held);
      done(false);
    });
  }

  stream(id: string, stream: number, opened: () => void, gone: () => void, ended: () => void): void {
    const held = this.held.get(id);
    if (!held) {
      gone();
      return;
    }
    held.isComplete = true;
    this.#use(held);
    held.streams.set(stream, ended);
    opened();
  }

  streamOver(id: string, stream: number): void {
    const held = this.held.get(id);
    if (!held?.streams.delete(stream)) return;
    this.#use(held);
    held.isStreamLost = held.streams.size === 0;
  }

  delete(id: string): boolean {
    const isHeld = this.held.has(id);
    if (this.#defect !== 'delete-keeps') this.#end(id);
    return isHeld;
  }

  #sweepLater(ms: number): void {
    this.#world.after(ms, () => {
      if (this.#defect !== 'no-reaper') {
        for (const [id, held] of this.held) if (this.#isDue(held)) this.#end(id);
      }
      this.#sweepLater(MODEL_POLICY.cleanupIntervalMs);
    });
  }

  #isDue(held: Held): boolean {
    const { now } = this.#world;
    if (this.#defect === 'from-creation' && now - held.createdAt >= 2_000) return true;
    if (held.calls > 0 && this.#defect !== 'kills-in-flight') return false;
    if (!held.isComplete) return now - held.createdAt >= 1_000;
    if (held.streams.size > 0 && this.#defect !== 'ignores-streams') return false;
    return now - held.usedAt >= Math.min(2_000, this.#windowMs(held));
  }

  #windowMs(held: Held): number {
    const windowMs = this.#streamLostMs ?? Number.POSITIVE_INFINITY;
    if (this.#defect === 'window-for-all') return windowMs;
    if (!held.isStreamLost || this.#defect === 'ignores-window') return Number.POSITIVE_INFINITY;
    return this.#defect === 'halves-window' ? windowMs / 2 : windowMs;
  }

  #use(held: Held): void {
    held.usedAt = this.#world.now;
    held.isStreamLost = false;
  }

  #end(id: string): void {
    const held = this.held.get(id);
    this.held.delete(id);
    for (const ended of held?.streams.values() ?? []) this.#world.send(ended);
  }
}

/** One session of one client that does anything at all, and books what it does. */
class Client {
  readonly #session: number;
  readonly #world: ModelWorld;
  readonly #server: Server;
  readonly #ledger: Ledger;
  #isOver = false;
  #isStreaming = false;
  #stream = 0;
  #requests = 0;
  #steps: number;

  constructor(session: number, world: ModelWorld, server: Server, ledger: Ledger) {
    this.#session = session;
    this.#world = world;
    this.#server = server;
    this.#ledger = ledger;
    this.#steps = world.between(0, 8);
    this.#open();
  }

  get #id(): string {
    return `f${this.#session}`;
  }

  #book(event: Unplaced<SessionEvent>): void {
    // The parts are typed; TypeScript cannot see that a union put together again is the union.
    this.#ledger.record({ ...event, session: this.#session, at: this.#world.now } as SessionEvent);
  }

  #open(): void {
    const world = this.#world;
    let isWaiting = true;
    this.#book({ kind: 'initialize-sent', clientName: 'client' });
    if (world.chance(0.1)) {
      world.after(world.between(0, 15), () => {
        if (!isWaiting) return;
        isWaiting = false;
        this.#book({ kind: 'initialize-lost', longestMs: 100 });
      });
    }
    world.send(() => {
      const isOpen = this.#server.initialize(this.#id);
      world.send(() => {
        if (!isWaiting) return;
        isWaiting = false;
        if (!isOpen) return this.#book({ kind: 'initialize-refused', status: 503 });
        this.#book({ kind: 'initialize-answered', fingerprint: this.#id });
        if (world.chance(0.15)) return this.#leave();
        this.#call(5);
      });
    });
  }

  #next(): void {
    if (this.#isOver) return;
    this.#steps -= 1;
    const world = this.#world;
    world.after(world.between(0, 2_600), () => {
      if (this.#isOver) return;
      if (this.#steps < 0) return world.chance(0.4) ? this.#delete() : this.#leave();
      if (world.chance(0.2) && !this.#isStreaming) return this.#openStream();
      this.#call(world.chance(0.2) ? world.between(1_500, 6_000) : world.between(0, 200));
    });
  }

  #call(ms: number): void {
    const world = this.#world;
    this.#requests += 1;
    const request = this.#requests;
    let isWaiting = true;
    this.#book({ kind: 'request-sent', request, handshake: true });
    const abort = () => {
      if (!isWaiting || this.#isOver) return;
      isWaiting = false;
      this.#book({ kind: 'request-aborted', request, longestMs: ms + MAX_LATENCY_MS });
      if (world.chance(0.5)) this.#next();
      else this.#leave();
    };
    if (world.chance(0.2)) world.after(world.between(0, ms + 10), abort);
    world.send(() => {
      this.#server.call(this.#id, ms, (isGone) => {
        world.send(() => {
          if (!isWaiting || this.#isOver) return;
          isWaiting = false;
          this.#book({ kind: 'request-answered', request, gone: isGone });
          if (isGone) this.#isOver = true;
          else this.#next();
        });
      });
    });
    if (world.chance(0.1)) world.after(world.between(0, 400), () => this.#next());
  }

  #openStream(): void {
    const world = this.#world;
    this.#requests += 1;
    const request = this.#requests;
    this.#isStreaming = true;
    this.#stream = request;
    this.#book({ kind: 'request-sent', request, handshake: true });
    const end = (by: 'client' | 'server' | 'vanished') => {
      if (!this.#isStreaming || this.#isOver) return;
      this.#isStreaming = false;
      this.#book({ kind: 'stream-closed', stream: request, by });
    };
    const opened = () => {
      if (this.#isOver) return;
      this.#book({ kind: 'request-answered', request, gone: false });
      this.#book({ kind: 'stream-opened', stream: request });
      this.#next();
      if (!world.chance(0.6)) return;
      world.after(world.between(0, 5_000), () => {
        if (!this.#isStreaming || this.#isOver) return;
        const isVanishing = world.chance(0.5);
        end(isVanishing ? 'vanished' : 'client');
        world.after(world.between(0, isVanishing ? 800 : MAX_LATENCY_MS), () =>
          this.#server.streamOver(this.#id, request),
        );
      });
    };
    const gone = () => {
      if (this.#isOver) return;
      this.#book({ kind: 'request-answered', request, gone: true });
      this.#isOver = true;
    };
    world.send(() => {
      this.#server.stream(
        this.#id,
        request,
        () => world.send(opened),
        () => world.send(gone),
        () => end('server'),
      );
    });
  }

  /** Every call in flight is given up first, as a client that dies does. */
  #leave(): void {
    if (this.#isOver) return;
    const world = this.#world;
    this.#isOver = true;
    const how = world.chance(0.5) ? 'silent' : 'frozen';
    for (let request = 1; request <= this.#requests; request += 1) {
      this.#book({ kind: 'request-aborted', request, longestMs: 6_000 + MAX_LATENCY_MS });
    }
    this.#book({ kind: 'abandoned', how });
    world.after(world.between(0, 800), () => this.#server.streamOver(this.#id, this.#stream));
  }

  #delete(): void {
    const world = this.#world;
    this.#book({ kind: 'delete-sent' });
    const isLost = world.chance(0.1);
    this.#isOver = true;
    world.send(() => {
      if (isLost && world.chance(0.5)) return;
      const isHeld = this.#server.delete(this.#id);
      if (isLost) return;
      world.send(() => this.#book({ kind: 'delete-answered', status: isHeld ? 200 : 404 }));
    });
    if (!isLost) return;
    world.after(50, () => {
      this.#book({ kind: 'delete-lost' });
      for (let request = 1; request <= this.#requests; request += 1) {
        this.#book({ kind: 'request-aborted', request, longestMs: 6_000 });
      }
      this.#book({ kind: 'abandoned', how: 'silent' });
      world.send(() => this.#server.streamOver(this.#id, this.#stream));
    });
  }
}

/** A whole run against the model: random clients, random samples, and what the ledger says in the end. */
export function playModel(
  seed: number,
  defect: Defect,
  observes: 'listing' | 'counts',
  { streamLostMs = null }: { streamLostMs?: number | null } = {},
): LedgerReport {
  const world = new ModelWorld(seed);
  const cap = world.chance(0.3) ? world.between(5, 15) : 10_000;
  const policy = { ...MODEL_POLICY, streamLostMs, maxSessions: cap, capRule: 'evict-idle' as const };
  const ledger = new Ledger({ policy, epsilonMs: MAX_LATENCY_MS });
  const server = new Server(world, defect, { countsFromEnd: world.chance(0.5), cap, streamLostMs });
  for (let session = 0; session < 40; session += 1) {
    world.after(world.between(0, RUN_MS / 2), () => new Client(session, world, server, ledger));
  }
  const sample = () => {
    const listed = new Set(server.held.keys());
    const stalenessMs = world.chance(0.2) ? world.between(0, 300) : 0;
    const sentAt = world.now + stalenessMs - world.between(0, MAX_LATENCY_MS);
    world.after(stalenessMs + world.between(0, MAX_LATENCY_MS), () => {
      const seen = { sentAt, receivedAt: world.now, stalenessMs, count: listed.size };
      ledger.sample(observes === 'listing' ? { ...seen, listed } : seen);
    });
    world.after(world.between(20, 400), sample);
  };
  sample();
  world.run(RUN_MS + SETTLE_MS);
  return ledger.close(world.now);
}
