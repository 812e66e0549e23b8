import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { portsOf } from '../targets/listeners.ts';

/** A process whose inspector cannot be had, or does not answer: says which and why. */
export class InspectorError extends Error {
  override name = 'InspectorError';
}

const TargetsSchema = z.array(z.looseObject({ webSocketDebuggerUrl: z.string() })).min(1);
const AnswerSchema = z.looseObject({
  id: z.number(),
  result: z.unknown().optional(),
  error: z.looseObject({ message: z.string() }).optional(),
});
const NoticeSchema = z.looseObject({ method: z.string(), params: z.unknown().optional() });
const EvaluatedSchema = z.looseObject({
  result: z.looseObject({ value: z.unknown().optional() }),
  exceptionDetails: z.looseObject({ text: z.string() }).optional(),
});

/** From SIGUSR1 to a listening inspector: 0.2 s on a quiet machine. */
const OPEN_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 50;
/** A forced collection of a heap of some GB takes seconds. */
const ANSWER_WITHIN_MS = 30_000;
/** An inspector that was told to close is gone within a few ms. */
const CLOSED_WITHIN_MS = 2_000;
const CLOSED_LOOK_MS = 5;
/** Whether it will close. Not at once: what was asked is answered first. Node before 20.16 has no way to be asked. */
const CLOSE = `(() => {
  const inspector = process.getBuiltinModule?.('node:inspector');
  if (inspector) setImmediate(() => inspector.close());
  return inspector !== undefined;
})()`;
/** SIGUSR1 in the masks of /proc/<pid>/status. */
const SIGUSR1_BIT = 1n << 9n;

/** A session of the Chrome DevTools protocol with a Node process on this machine. */
export class Inspector {
  readonly pid: number;
  /** The process opened its inspector because it was asked to. */
  readonly wasOpened: boolean;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #hearers = new Map<string, (params: unknown) => void>();
  #lastId = 0;
  #isClosed = false;

  private constructor(socket: WebSocket, pid: number, wasOpened: boolean) {
    this.#socket = socket;
    this.pid = pid;
    this.wasOpened = wasOpened;
    socket.addEventListener('message', ({ data }) => this.#receive(String(data)));
    socket.addEventListener('close', () => this.#drop());
  }

  /**
   * Attaches to a process; asks it to open its inspector (SIGUSR1) when it has not. Only to processes of this user,
   * and only to those that handle the signal: any other would be killed by it.
   * @throws InspectorError
   */
  static async attach(pid: number): Promise<Inspector> {
    const before = portsOf(pid);
    const open = await findInspector(before);
    if (open) return new Inspector(await connected(open, pid), pid, false);
    checkAttachable(pid);
    process.kill(pid, 'SIGUSR1');
    const deadline = performance.now() + OPEN_WITHIN_MS;
    while (performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      const url = await findInspector(portsOf(pid).filter((port) => !before.includes(port)));
      if (url) return new Inspector(await connected(url, pid), pid, true);
    }
    throw new InspectorError(
      `process ${pid} did not open its inspector within ${OPEN_WITHIN_MS / 1_000} s: its port, 9229 unless it was started with --inspect-port, may be taken`,
    );
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** One command of the protocol. @throws InspectorError */
  async send(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    if (this.#isClosed) throw new InspectorError(`the inspector of process ${this.pid} is closed`);
    this.#lastId += 1;
    const id = this.#lastId;
    const waiter = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiter);
    const timer = setTimeout(() => {
      waiter.reject(
        new InspectorError(
          `process ${this.pid} did not answer ${method} within ${ANSWER_WITHIN_MS / 1_000} s`,
        ),
      );
    }, ANSWER_WITHIN_MS);
    this.#socket.send(JSON.stringify({ id, method, params }));
    try {
      return await waiter.promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  /** The value of an expression in the process; a promise is waited for. @throws InspectorError */
  async evaluate(expression: string): Promise<unknown> {
    const answer = await this.send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    const { result, exceptionDetails } = EvaluatedSchema.parse(answer);
    if (exceptionDetails) throw new InspectorError(`in process ${this.pid}: ${exceptionDetails.text}`);
    return result.value;
  }

  /** Calls back for each notice of that name from now on; one hearer a name. Returns the way to stop that. */
  onNotice(method: string, hear: (params: unknown) => void): () => void {
    this.#hearers.set(method, hear);
    return () => void this.#hearers.delete(method);
  }

  /** Ends the session, whatever the process does with its inspector. */
  close(): void {
    this.#socket.close();
    this.#drop();
  }

  /**
   * Ends the session and leaves the process as it was found: an inspector that was opened for us is closed. The process
   * ends the session then, not we: Node dies (SIGSEGV) of a connection that closes while its inspector does, one time in
   * thirty. And only when its port is free again can the next session begin.
   */
  async leave(): Promise<void> {
    try {
      if (!this.wasOpened || this.#isClosed || (await this.evaluate(CLOSE)) !== true) return;
      const port = Number(new URL(this.#socket.url).port);
      const deadline = performance.now() + CLOSED_WITHIN_MS;
      while (!this.#isClosed || portsOf(this.pid).includes(port)) {
        if (performance.now() > deadline) return;
        await new Promise((resolve) => setTimeout(resolve, CLOSED_LOOK_MS));
      }
    } catch (error) {
      // Gone before it could answer, which is what was wanted.
      if (!(error instanceof InspectorError)) throw error;
    } finally {
      this.close();
    }
  }

  #receive(text: string): void {
    const message: unknown = JSON.parse(text);
    const answer = AnswerSchema.safeParse(message);
    if (!answer.success) {
      const notice = NoticeSchema.safeParse(message);
      if (notice.success) this.#hearers.get(notice.data.method)?.(notice.data.params);
      return;
    }
    const { id, result, error } = answer.data;
    const waiter = this.#waiting.get(id);
    if (error) waiter?.reject(new InspectorError(error.message));
    else waiter?.resolve(result);
  }

  #drop(): void {
    this.#isClosed = true;
    for (const waiter of this.#waiting.values()) {
      waiter.reject(new InspectorError(`the inspector of process ${this.pid} is gone`));
    }
  }
}

/** @throws InspectorError for a process that is not there, not ours, or would die of the signal */
function checkAttachable(pid: number): void {
  let status: string;
  try {
    status = readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch (error) {
    throw new InspectorError(`there is no process ${pid} on this machine`, { cause: error });
  }
  const owner = Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]);
  if (owner !== process.getuid?.()) throw new InspectorError(`process ${pid} belongs to another user`);
  const caught = BigInt(`0x${/^SigCgt:\s+([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
  if ((caught & SIGUSR1_BIT) === 0n) {
    throw new InspectorError(
      `process ${pid} is no Node process that can be inspected: it does not handle SIGUSR1`,
    );
  }
}

/** Where the inspector is that listens on one of these ports; undefined when none does. */
async function findInspector(ports: readonly number[]): Promise<string | undefined> {
  for (const port of ports) {
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/json/list`, {
        signal: AbortSignal.timeout(1_000),
      });
      const targets = TargetsSchema.safeParse(await answer.json());
      const url = targets.data?.[0]?.webSocketDebuggerUrl;
      if (url !== undefined) return url;
    } catch {
      // Another server, or one that speaks something else.
    }
  }
  return undefined;
}

function connected(url: string, pid: number): Promise<WebSocket> {
  const socket = new WebSocket(url);
  return new Promise((resolve, reject) => {
    socket.addEventListener('open', () => resolve(socket), { once: true });
    socket.addEventListener(
      'error',
      () => reject(new InspectorError(`the inspector of process ${pid} refuses ${url}`)),
      {
        once: true,
      },
    );
  });
}
