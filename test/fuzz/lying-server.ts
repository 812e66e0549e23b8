import type { Duplex } from 'node:stream';
import fc from 'fast-check';
import type { Clock } from '../../simulator/clock/clock.ts';
import type { Dial } from '../../simulator/targets/target.ts';
import { systemError, VirtualSocket } from '../../simulator/targets/virtual-socket.ts';
import { cutAt, cuts, type Mutation, mutate, mutations } from './fuzz.ts';
import { validAnswers } from './http-answers.ts';

/** What the server does with one request, whatever that asked for. `$ID` in the text is the request's id. */
export interface Reply {
  readonly text: string;
  readonly damage: readonly Mutation[];
  readonly cuts: readonly number[];
  /** Between the pieces. */
  readonly pauseMs: number;
  readonly afterwards: 'keep' | 'end' | 'reset' | 'trickle';
}

/** What becomes of one dial. */
export type Reception = 'accept' | 'refuse' | 'hang' | 'greet' | 'hang up' | 'deaf';

const JSON_HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nMcp-Session-Id: s1\r\n';
const EVENTS_HEAD =
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';

const RESULT = `{"jsonrpc":"2.0","id":$ID,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"x","version":"1"}}}`;

const EVENTS = [
  `data: ${RESULT}\n\n`,
  'data: {"jsonrpc":"2.0","id":"p","method":"ping"}\n\n',
  'data: {"jsonrpc":"2.0","method":"notifications/message","params":{}}\n\n',
  'data: {"jsonrpc":"2.0","id":9,"method":"sampling/createMessage","params":{}}\n\n',
  'data: {"jsonrpc":"2.0","id":77,"result":{}}\n\n',
  'data: {"jsonrpc":"2.0","id":$ID,"error":{"code":-1,"message":"no"}}\n\n',
  'id: 7\ndata:\n\nretry: 5\n\n',
  ': comment\n\n',
  'data: {{{\n\n',
];

const bodies = fc.oneof(
  fc.constantFrom(RESULT, `[${RESULT}]`, '{"jsonrpc":"2.0","id":"other","result":{}}', '[]', '', 'null', '{'),
  fc.constant('{"jsonrpc":"2.0","error":{"code":-32001,"message":"gone"},"id":null}'),
);

const texts = fc.oneof(
  { weight: 4, arbitrary: bodies.map((body) => `${JSON_HEAD}Content-Length: $LENGTH\r\n\r\n${body}`) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.array(fc.constantFrom(...EVENTS), { maxLength: 20 }), fc.boolean())
      .map(([events, isEnded]) => {
        const chunks = events.map((event) => `$CHUNK${event}\r\n`).join('');
        return `${EVENTS_HEAD}${chunks}${isEnded ? '0\r\n\r\n' : ''}`;
      }),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(202, 204, 400, 404, 405, 429, 500, 503), bodies)
      .map(([status, body]) => `HTTP/1.1 ${status} x\r\nContent-Length: $LENGTH\r\n\r\n${body}`),
  },
  { weight: 2, arbitrary: validAnswers.map(({ raw }) => raw) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 100 }) },
);

export const replies: fc.Arbitrary<Reply> = fc.record({
  text: texts,
  damage: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: mutations }),
  cuts,
  pauseMs: fc.constantFrom(0, 0, 1, 700, 4_000),
  afterwards: fc.constantFrom('keep', 'keep', 'keep', 'end', 'reset', 'trickle'),
});

const asItIs = { damage: [], cuts: [], pauseMs: 0, afterwards: 'keep' } as const;

/** What opens a session: the answer to initialize, and to the notification after it. */
export const WELCOME: readonly Reply[] = [
  { ...asItIs, text: `${JSON_HEAD}Content-Length: $LENGTH\r\n\r\n${RESULT}` },
  { ...asItIs, text: 'HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n' },
];

export const receptions: fc.Arbitrary<Reception> = fc.oneof(
  { weight: 8, arbitrary: fc.constant('accept' as const) },
  { weight: 1, arbitrary: fc.constantFrom('refuse', 'hang', 'greet', 'hang up', 'deaf') },
);

interface Script {
  readonly replies: readonly Reply[];
  readonly receptions: readonly Reception[];
}

/** A server that answers every request with what comes next on its list, for ever. */
export class LyingServer {
  readonly #clock: Clock;
  readonly #script: Script;
  readonly #noteActivity: () => void;
  #requests = 0;
  /** Our ends of the connections, and the client's. */
  readonly #ends: VirtualSocket[] = [];
  readonly dialled: VirtualSocket[] = [];

  constructor(clock: Clock, noteActivity: () => void, script: Script) {
    this.#clock = clock;
    this.#script = script;
    this.#noteActivity = noteActivity;
  }

  readonly dial: Dial = async (signal) => {
    const { receptions: all } = this.#script;
    const reception = all[this.dialled.length % all.length] ?? 'accept';
    if (reception === 'refuse') throw systemError('ECONNREFUSED', 'connect');
    if (reception === 'hang') {
      await new Promise((_resolve, reject) =>
        signal?.addEventListener('abort', () => reject(systemError('ABORT_ERR', 'connect')), { once: true }),
      );
    }
    const [near, far] = VirtualSocket.pair(this.#noteActivity);
    this.dialled.push(near);
    this.#ends.push(far);
    far.on('error', () => undefined);
    if (reception === 'greet') far.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    if (reception === 'hang up') far.end();
    if (reception !== 'deaf') this.#listen(far);
    return { stream: near, reset: () => near.reset() };
  };

  destroy(): void {
    for (const end of this.#ends) end.destroy();
  }

  /** Takes whatever begins with a request line for a request: what it says is of no interest but its id. */
  #listen(stream: Duplex): void {
    stream.on('data', (chunk: Buffer) => {
      const text = chunk.toString('latin1');
      if (!/^(?:POST|GET|DELETE|PUT) /.test(text)) return;
      const { replies: all } = this.#script;
      const reply = all[this.#requests % all.length];
      this.#requests += 1;
      const id = /"id":("[^"]*"|\d+)/.exec(text)?.[1] ?? '1';
      if (reply) void this.#answer(stream, reply, id);
    });
  }

  async #answer(stream: Duplex, reply: Reply, id: string): Promise<void> {
    const bytes = mutate(Buffer.from(fill(reply.text, id), 'latin1'), reply.damage);
    for (const piece of cutAt(bytes, reply.cuts)) {
      if (!stream.writable) return;
      if (piece.length > 0) stream.write(piece);
      if (reply.pauseMs > 0) await this.#clock.sleep(reply.pauseMs);
    }
    if (reply.afterwards === 'end') stream.end();
    if (reply.afterwards === 'reset') stream.destroy(systemError('ECONNRESET', 'write'));
    if (reply.afterwards === 'trickle') await this.#trickle(stream);
  }

  /** A byte each second, for longer than any client waits. */
  async #trickle(stream: Duplex): Promise<void> {
    for (let count = 0; count < 60 && stream.writable; count += 1) {
      stream.write('x');
      await this.#clock.sleep(1_000);
    }
  }
}

/** Puts ids and lengths where the text has their places. */
function fill(text: string, id: string): string {
  const withIds = text.replaceAll('$ID', id);
  const withChunks = withIds.replaceAll(/\$CHUNK([^$]*?\n\n)\r\n/g, (_whole, event: string) => {
    return `${event.length.toString(16)}\r\n${event}\r\n`;
  });
  const body = withChunks.slice(withChunks.indexOf('\r\n\r\n') + 4);
  return withChunks.replace('$LENGTH', String(body.length));
}
