import { Duplex } from 'node:stream';
import type { Cancel, Clock } from '../clock/clock.ts';
import type { Dial, Wire } from './target.ts';
import { systemError } from './virtual-socket.ts';

/** What a network does to one request and its answer. `null`: nothing of that kind. */
export interface NetworkFault {
  /** The request arrives so much later. */
  readonly delayMs: number | null;
  /** After so many bytes of the answer the connection breaks. */
  readonly cutAfterBytes: number | null;
  /** The answer is read at this rate. */
  readonly readBytesPerSecond: number | null;
  /** The second half of the request's body (of its head, where it has none) never comes. */
  readonly halfBody: boolean;
}

/** Slow readers read so many times a second. */
const READS_PER_SECOND = 10;

/** A network that fails when it is told to: a wrapper round the dial of one client, whose requests are one write each. */
export class FaultyNetwork {
  readonly #clock: Clock;
  #next: NetworkFault | undefined;
  #always: NetworkFault | undefined;
  readonly dial: Dial;

  constructor(dial: Dial, clock: Clock) {
    this.#clock = clock;
    this.dial = async (signal) => {
      const wire = await dial(signal);
      const stream = new FaultyStream(wire, this.#clock, () => this.#take());
      return { stream, reset: () => stream.reset() };
    };
  }

  /** The next request, on whichever connection, or every one from now on. */
  arm(fault: NetworkFault, scope: 'next request' | 'rest of flow'): void {
    if (scope === 'next request') this.#next = fault;
    else this.#always = fault;
  }

  /** A request that left now would not arrive and be answered as usual. */
  get isFailing(): boolean {
    return this.#next !== undefined || this.#always !== undefined;
  }

  /** A request that left now would arrive in half. */
  get sendsHalf(): boolean {
    return (this.#next ?? this.#always)?.halfBody ?? false;
  }

  #take(): NetworkFault | undefined {
    const fault = this.#next ?? this.#always;
    this.#next = undefined;
    return fault;
  }
}

/** One connection through such a network. Each write is one request; its fault holds until the next. */
class FaultyStream extends Duplex {
  readonly #wire: Wire;
  readonly #clock: Clock;
  readonly #take: () => NetworkFault | undefined;
  readonly #timers = new Set<Cancel>();
  #fault: NetworkFault | undefined;
  #answerBytes = 0;
  #hasEnded = false;
  /** Bytes of the answer that a slow reader has not come to yet. */
  #unread: Buffer | undefined;

  constructor(wire: Wire, clock: Clock, take: () => NetworkFault | undefined) {
    super();
    this.#wire = wire;
    this.#clock = clock;
    this.#take = take;
    const { stream } = wire;
    stream.on('data', (chunk: Buffer) => this.#receive(chunk));
    stream.on('end', () => {
      this.#hasEnded = true;
      if (!this.#unread) this.push(null);
    });
    stream.on('error', (error) => this.destroy(error));
    // After its end there may be bytes that nobody has read yet.
    stream.on('close', () => {
      if (!this.#hasEnded) this.destroy();
    });
  }

  /** The wire first: once its stream is destroyed there is nothing left to reset. */
  reset(): void {
    this.#wire.reset();
    this.destroy();
  }

  override _read(): void {
    if (!this.#unread) this.#wire.stream.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#fault = this.#take();
    this.#answerBytes = 0;
    const { delayMs, halfBody } = this.#fault ?? { delayMs: null, halfBody: false };
    const bytes = halfBody ? firstHalf(chunk) : chunk;
    const write = () => void this.#wire.stream.write(bytes, done);
    if (delayMs === null) write();
    else this.#later(delayMs, write);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#wire.stream.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    for (const cancel of this.#timers) cancel();
    this.#wire.stream.destroy();
    done(error);
  }

  #receive(chunk: Buffer): void {
    const { cutAfterBytes = null, readBytesPerSecond = null } = this.#fault ?? {};
    const left = cutAfterBytes === null ? Number.POSITIVE_INFINITY : cutAfterBytes - this.#answerBytes;
    this.#answerBytes += chunk.length;
    if (chunk.length >= left) {
      this.push(chunk.subarray(0, left));
      this.#wire.reset();
      this.destroy(systemError('ECONNRESET', 'read'));
    } else if (readBytesPerSecond !== null) {
      this.#wire.stream.pause();
      this.#unread = chunk;
      this.#readSlowly(readBytesPerSecond);
    } else if (!this.push(chunk)) {
      this.#wire.stream.pause();
    }
  }

  #readSlowly(bytesPerSecond: number): void {
    const most = Math.max(1, Math.floor(bytesPerSecond / READS_PER_SECOND));
    const chunk = this.#unread ?? Buffer.alloc(0);
    const bytes = Math.min(most, chunk.length);
    this.#later((1000 * bytes) / bytesPerSecond, () => {
      this.push(chunk.subarray(0, bytes));
      this.#unread = chunk.length > bytes ? chunk.subarray(bytes) : undefined;
      if (this.#unread) this.#readSlowly(bytesPerSecond);
      else if (this.#hasEnded) this.push(null);
      else this.#wire.stream.resume();
    });
  }

  #later(ms: number, act: () => void): void {
    const cancel = this.#clock.at(this.#clock.now() + ms, () => {
      this.#timers.delete(cancel);
      act();
    });
    this.#timers.add(cancel);
  }
}

function firstHalf(request: Buffer): Buffer {
  const headEnd = request.indexOf('\r\n\r\n') + 4;
  const bodyBytes = request.length - headEnd;
  return request.subarray(0, bodyBytes > 0 ? headEnd + Math.floor(bodyBytes / 2) : Math.floor(headEnd / 2));
}
