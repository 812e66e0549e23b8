import { fingerprint } from '../../hub/fingerprint.ts';
import type { Clock } from '../../simulator/clock/clock.ts';
import { type HttpHeaders, HttpParser } from '../../simulator/mcp/http-parser.ts';
import { WireError } from '../../simulator/mcp/wire-error.ts';
import type { Dial, Wire } from '../../simulator/targets/target.ts';
import { cutAt, mutate } from './fuzz.ts';
import { type FuzzRequest, MAX_CALL_MS, type Visit } from './hub-requests.ts';

/** A complete request is answered within this time: the longest call, and what pipelining adds. */
const ANSWER_MS = 3 * MAX_CALL_MS + 10_000;

/** The documented ones: at the cap, and while it drains. */
const ALLOWED_5XX = new Set([503]);

/** What all the visits of one story share. */
export interface StoryState {
  readonly clock: Clock;
  readonly dial: Dial;
  /** Ids of the sessions that were opened, in that order. */
  readonly sessions: string[];
  /** Everything that should not have been. */
  readonly faults: string[];
  /** Whether the hub was told to shut down: then it may cut connections. */
  isStopping: boolean;
}

/** Goes on one visit: sends, reads, leaves, and writes down what the hub should not have done. */
export async function visit(plan: Visit, state: StoryState): Promise<Wire | undefined> {
  const wire = await state.dial().catch((error: unknown) => {
    if (!state.isStopping) throw error;
  });
  if (!wire) return undefined;
  const { stream } = wire;
  stream.on('error', () => undefined);
  const isSound = plan.damage.length === 0 && plan.sentShare === 100;
  const answers = new AnswersReader(plan.requests, state, isSound);
  stream.on('data', (chunk: Buffer) => answers.read(chunk));
  const closed = () => answers.closed({ byUs: plan.leaves !== 'stay' });
  stream.on('close', closed).on('end', closed);
  if (plan.leaves === 'freeze') stream.pause();
  await send(wire, plan, state);
  if (plan.leaves === 'stay' && isSound) {
    await Promise.race([answers.complete, state.clock.sleep(ANSWER_MS)]);
    if (answers.owed > 0) state.faults.push(`not answered: ${answers.owed} of ${describe(plan.requests)}`);
    return wire;
  }
  await state.clock.sleep(plan.leavesAfterMs);
  if (plan.leaves === 'end') stream.end();
  if (plan.leaves === 'reset') wire.reset();
  return wire;
}

async function send({ stream }: Wire, plan: Visit, state: StoryState): Promise<void> {
  const whole = Buffer.concat(plan.requests.map((request) => write(request, state.sessions)));
  const damaged = mutate(whole, plan.damage);
  const sent = damaged.subarray(0, Math.ceil((damaged.length * plan.sentShare) / 100));
  for (const piece of cutAt(sent, plan.cuts)) {
    if (!stream.writable) return;
    if (piece.length > 0) stream.write(piece);
    if (plan.pauseMs > 0) await state.clock.sleep(plan.pauseMs);
  }
}

function write(request: FuzzRequest, sessions: readonly string[]): Buffer {
  const { method, path, session, headers, body, isChunked } = request;
  const id = 'nth' in session ? sessions[session.nth % Math.max(1, sessions.length)] : session.text;
  const lines = headers
    .map(([name, value]) => `${name}: ${value.replace('$FINGERPRINT', fingerprint(id ?? ''))}\r\n`)
    .join('');
  const named = id === undefined ? '' : `Mcp-Session-Id: ${id}\r\n`;
  const head = `${method} ${path} HTTP/1.1\r\n${lines}${named}`;
  if (!body) return Buffer.from(`${head}\r\n`, 'latin1');
  if (!isChunked) {
    return Buffer.concat([Buffer.from(`${head}Content-Length: ${body.length}\r\n\r\n`, 'latin1'), body]);
  }
  const middle = Math.ceil(body.length / 2);
  const chunks = [body.subarray(0, middle), body.subarray(middle)].filter((chunk) => chunk.length > 0);
  const framed = chunks.flatMap((chunk) => [
    Buffer.from(`${chunk.length.toString(16)}\r\n`),
    chunk,
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([
    Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\n`, 'latin1'),
    ...framed,
    Buffer.from('0\r\n\r\n'),
  ]);
}

/** Reads the answers of one connection, and holds each against what the hub promises for every request. */
class AnswersReader {
  readonly #requests: readonly FuzzRequest[];
  readonly #state: StoryState;
  readonly #isSound: boolean;
  readonly #parser: HttpParser;
  readonly #complete = Promise.withResolvers<void>();
  #answered = 0;
  #status = 0;
  #type = '';
  #body = '';
  #isOver = false;

  /** Unless the requests are sound, only what can be said of any answer is checked: there may be none. */
  constructor(requests: readonly FuzzRequest[], state: StoryState, isSound: boolean) {
    this.#requests = requests;
    this.#state = state;
    this.#isSound = isSound;
    this.#parser = new HttpParser({
      onHead: (status, headers) => this.#readHead(status, headers),
      onBody: (chunk) => {
        if (this.#type !== 'text/event-stream') this.#body += chunk.toString();
      },
      onEnd: () => this.#readEnd(),
    });
    this.#expectNext();
  }

  /** Resolves when nothing is owed any more. */
  get complete(): Promise<void> {
    return this.#complete.promise;
  }

  /** Requests that no answer has begun to come for. */
  get owed(): number {
    return this.#isOver ? 0 : this.#requests.length - this.#answered;
  }

  read(chunk: Buffer): void {
    if (!this.#isSound) {
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(chunk.toString('latin1'))?.[1] ?? 0);
      this.#checkStatus(status);
      return;
    }
    try {
      this.#parser.feed(chunk);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      // Node may say 400 to what follows a request that it took the connection away after.
      if (this.owed > 0 && !this.#state.isStopping) this.#fault(`not HTTP: ${error.message}`);
    }
  }

  closed({ byUs }: { byUs: boolean }): void {
    if (this.#isSound && !byUs && !this.#state.isStopping && this.#answered === 0)
      this.#fault('closed without an answer');
    this.#finish();
  }

  #readHead(status: number, headers: HttpHeaders): void {
    this.#answered += 1;
    this.#status = status;
    this.#type = (headers.get('content-type') ?? '').split(';', 1)[0] ?? '';
    this.#body = '';
    this.#checkStatus(status);
    const sessionId = headers.get('mcp-session-id');
    if (sessionId !== undefined) {
      if (status >= 400) this.#fault(`${status} with a session id`);
      else this.#state.sessions.push(sessionId);
    }
    if (this.#type.includes('html')) this.#fault(`${status} as HTML`);
    // The rest waits for the end of the stream, which may be that of the session.
    const isLast = this.#type === 'text/event-stream' || headers.get('connection') === 'close';
    if (isLast || this.owed === 0) this.#finish();
  }

  #readEnd(): void {
    const request = this.#requests[this.#answered - 1];
    const isError = this.#status >= 400 && request?.method !== 'HEAD';
    if (isError && request && isEndpoint(request.path) && !isForNode(request)) this.#checkErrorBody();
    this.#expectNext();
  }

  #checkErrorBody(): void {
    try {
      const body: unknown = JSON.parse(this.#body);
      if (typeof body === 'object' && body !== null && 'jsonrpc' in body && 'error' in body) return;
    } catch {
      // Said below: whatever is no JSON-RPC error is a fault.
    }
    this.#fault(`${this.#status} without a JSON-RPC error: ${this.#body.slice(0, 60)}`);
  }

  #checkStatus(status: number): void {
    if (status >= 500 && !ALLOWED_5XX.has(status)) this.#fault(`status ${status}`);
  }

  #expectNext(): void {
    const next = this.#requests[this.#answered];
    if (next) this.#parser.expect(next.method);
  }

  #finish(): void {
    this.#isOver = true;
    this.#complete.resolve();
  }

  #fault(what: string): void {
    this.#state.faults.push(`${what}: ${describe(this.#requests.slice(0, Math.max(1, this.#answered)))}`);
  }
}

function isEndpoint(path: string): boolean {
  return path === '/mcp' || path.startsWith('/mcp?');
}

/** Node itself refuses these, without a body: no Host (400, RFC 9112, 3.2), an expectation nobody knows (417). */
function isForNode({ headers }: FuzzRequest): boolean {
  const has = (wanted: string) => headers.some(([name]) => name === wanted);
  return !has('Host') || has('Expect');
}

function describe(requests: readonly FuzzRequest[]): string {
  return requests
    .map(({ method, path, body }) => `${method} ${path} ${body?.toString().slice(0, 80) ?? ''}`)
    .join(' | ');
}
