import { connect, createServer } from 'node:net';

/** Leaks that can be planted, one per ended session or per call; `none`, `lru` and `weight` are none. */
export const PLANTED = [
  'none',
  'obj',
  'map',
  'lru',
  'timer',
  'socket',
  'transport',
  'call',
  'events',
  'weight',
] as const;
export type PlantedName = (typeof PLANTED)[number];

/** `map`, `lru:200`, `obj:32`, `call:500`: what happens when a session with this transport has ended, or a call was made. */
export interface Planted {
  onSessionOpened(transport: object): void;
  onSessionEnded(id: string, transport: object): void;
  onCall(): void;
  onEvent(event: object): void;
}

const LRU_VALUE_BYTES = 1_024;
const DAY_MS = 86_400_000;
const nothing = () => undefined;
const NONE: Planted = {
  onSessionOpened: nothing,
  onSessionEnded: nothing,
  onCall: nothing,
  onEvent: nothing,
};

/** Several with a plus between. @throws Error for one that is not known */
export function plant(text: string): Planted {
  const all = text.split('+').map(plantOne);
  return {
    onSessionOpened: (transport) => {
      for (const one of all) one.onSessionOpened(transport);
    },
    onSessionEnded: (id, transport) => {
      for (const one of all) one.onSessionEnded(id, transport);
    },
    onCall: () => {
      for (const one of all) one.onCall();
    },
    onEvent: (event) => {
      for (const one of all) one.onEvent(event);
    },
  };
}

function plantOne(text: string): Planted {
  const [wanted, amount = '0'] = text.split(':');
  const name = PLANTED.find((known) => known === wanted);
  switch (name) {
    case 'none':
      return NONE;
    case 'obj':
      return { ...NONE, onSessionEnded: linkedList() };
    case 'map':
      return { ...NONE, onSessionEnded: forgottenEntry() };
    case 'lru':
      return { ...NONE, onSessionEnded: boundedCache(Number(amount)) };
    case 'timer':
      return { ...NONE, onSessionEnded: () => void setInterval(nothing, DAY_MS) };
    case 'socket':
      return { ...NONE, onSessionEnded: openSockets() };
    case 'transport':
      return { ...NONE, onSessionEnded: zombies() };
    case 'call':
      return { ...NONE, onCall: callLog(Number(amount)) };
    case 'events':
      return { ...NONE, onEvent: eventStore() };
    case 'weight':
      return { ...NONE, onSessionOpened: catalogue(Number(amount)) };
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

/** `bytes`: of each answer, which is kept. */
function callLog(bytes: number): () => void {
  const calls: { at: number; answer: string }[] = [];
  keepFromExit(() => calls);
  return () => void calls.push({ at: performance.now(), answer: bytes === 0 ? 'ok' : textOf(bytes) });
}

/** One that is not shared with the next of its length. */
function textOf(bytes: number): string {
  return Buffer.alloc(bytes, String(performance.now())).toString('latin1');
}

function eventStore(): (event: object) => void {
  const events = new Map<number, string>();
  keepFromExit(() => events);
  return (event) => void events.set(events.size, JSON.stringify(event));
}

/** What a forgotten table is usually held by: a handler that was to clear it. */
function keepFromExit(held: () => unknown): void {
  process.on('SIGTERM', () => {
    process.exitCode = held() === undefined ? 1 : 0;
    process.exit();
  });
}

/** So many KiB that each session has for itself, for as long as it lives (F50). */
function catalogue(kib: number): Planted['onSessionOpened'] {
  const own = new WeakMap<object, number[]>();
  const numbers = (kib * 1_024) / Float64Array.BYTES_PER_ELEMENT;
  return (transport) => void own.set(transport, new Array(numbers).fill(0.5));
}
