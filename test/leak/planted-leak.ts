import { connect, createServer } from 'node:net';

/** Leaks that can be planted, one per ended session or per call; `none` and `lru` are none. */
export const PLANTED = ['none', 'obj', 'map', 'lru', 'timer', 'socket', 'transport', 'call'] as const;
export type PlantedName = (typeof PLANTED)[number];

/** `map`, `lru:200`, `obj:32`: what happens when a session with this transport has ended, or a call was made. */
export interface Planted {
  onSessionEnded(id: string, transport: object): void;
  onCall(): void;
}

const LRU_VALUE_BYTES = 1_024;
const DAY_MS = 86_400_000;
const nothing = () => undefined;

/** @throws Error for one that is not known */
export function plant(text: string): Planted {
  const [wanted, amount = '0'] = text.split(':');
  const name = PLANTED.find((known) => known === wanted);
  switch (name) {
    case 'none':
      return { onSessionEnded: nothing, onCall: nothing };
    case 'obj':
      return { onSessionEnded: linkedList(), onCall: nothing };
    case 'map':
      return { onSessionEnded: forgottenEntry(), onCall: nothing };
    case 'lru':
      return { onSessionEnded: boundedCache(Number(amount)), onCall: nothing };
    case 'timer':
      return { onSessionEnded: () => void setInterval(nothing, DAY_MS), onCall: nothing };
    case 'socket':
      return { onSessionEnded: openSockets(), onCall: nothing };
    case 'transport':
      return { onSessionEnded: zombies(), onCall: nothing };
    case 'call':
      return { onSessionEnded: nothing, onCall: callLog() };
    case undefined:
      throw new Error(`--leak: got '${text}', allowed: ${PLANTED.join(', ')}`);
  }
}

/** Four fields of a word: three of V8's own and one of ours, 32 bytes with pointers of eight. */
function linkedList(): () => void {
  class Leaked {
    next: Leaked | undefined;

    constructor(next: Leaked | undefined) {
      this.next = next;
    }
  }
  let head: Leaked | undefined;
  keepFromExit(() => head);
  return () => {
    head = new Leaked(head);
  };
}

function forgottenEntry(): (id: string) => void {
  const lastSeen = new Map<string, number>();
  keepFromExit(() => lastSeen);
  return (id) => void lastSeen.set(id, performance.now());
}

/** No leak: the oldest entry goes when a new one comes. */
function boundedCache(maxEntries: number): (id: string) => void {
  const recent = new Map<string, Buffer>();
  keepFromExit(() => recent);
  return (id) => {
    recent.set(id, Buffer.alloc(LRU_VALUE_BYTES, 'x'));
    const [oldest] = recent.keys();
    if (recent.size > maxEntries && oldest !== undefined) recent.delete(oldest);
  };
}

function openSockets(): () => void {
  const server = createServer().listen(0, '127.0.0.1');
  return () => {
    const address = server.address();
    if (address !== null && typeof address !== 'string') connect(address.port, '127.0.0.1').unref();
  };
}

function zombies(): (id: string, transport: object) => void {
  const zombies = new Map<string, object>();
  process.on('SIGTERM', () => {
    zombies.clear();
    process.exit(0);
  });
  return (id, transport) => void zombies.set(id, transport);
}

function callLog(): () => void {
  const calls: { at: number; answer: string }[] = [];
  keepFromExit(() => calls);
  return () => void calls.push({ at: performance.now(), answer: 'ok' });
}

/** What a forgotten table is usually held by: a handler that was to clear it. */
function keepFromExit(held: () => unknown): void {
  process.on('SIGTERM', () => {
    process.exitCode = held() === undefined ? 1 : 0;
    process.exit();
  });
}
