import type { Message } from './body.ts';
import type { EventStream } from './event-stream.ts';
import type { EndReason, PlainSession } from './session.ts';
import { CATALOGUE, callTool, RpcError } from './tools.ts';

/** The stream that answers one POST, and how many answers it still owes. */
export interface PostAnswer {
  readonly stream: EventStream;
  owed: number;
}

type Outcome = { result: unknown } | { error: { code: number; message: string } };

/** About what the SDK keeps of each request in JSON mode: 5.6 KB (F09). */
const KEPT_PER_REQUEST = 700;

/** One request that is being worked on. It knows where its answer goes, so ids need not be unique (F28). */
export class Call {
  readonly id: string | number;
  readonly #session: PlainSession;
  readonly #post: PostAnswer;
  readonly #abort = new AbortController();
  #heldBack: string[] = [];

  constructor(session: PlainSession, post: PostAnswer, id: string | number) {
    this.id = id;
    this.#session = session;
    this.#post = post;
    session.calls.add(this);
    session.callsById.set(id, this);
    if (session.parts.defect === 'requests-pile-up') session.kept.push(new Array(KEPT_PER_REQUEST).fill(0));
  }

  async run(message: Message): Promise<void> {
    let outcome: Outcome;
    try {
      outcome = { result: await this.#perform(message) };
    } catch (error) {
      const code = error instanceof RpcError ? error.code : -32603;
      outcome = { error: { code, message: error instanceof Error ? error.message : String(error) } };
    }
    const { callsById, parts } = this.#session;
    const isById = parts.defect === 'equal-ids-crossed' || parts.defect === 'ids-of-all-sessions-crossed';
    const owner = isById ? callsById.get(this.id) : this;
    callsById.delete(this.id);
    if (owner) owner.#answer(outcome);
  }

  /** Its session ends: it is answered with an error, not with nothing (F36). */
  giveUp(reason: EndReason): void {
    const message = `The session ended before this call was done (${reason}).`;
    this.#answer({ error: { code: -32000, message } });
    this.#abort.abort();
  }

  /** A cancelled request gets no answer (basic/utilities/cancellation). */
  cancel(): void {
    this.#settle();
    this.#abort.abort();
  }

  async #perform({ method, params }: Message): Promise<unknown> {
    switch (method) {
      case 'ping':
        return {};
      case 'tools/list':
        return { tools: CATALOGUE };
      case 'tools/call':
        return callTool(params, {
          signal: this.#abort.signal,
          progress: (progress, total) => this.#progress(params, progress, total),
          notify: (name, said) => this.#session.notify(name, said),
        });
      default:
        throw new RpcError(-32601, 'Method not found.');
    }
  }

  async #progress(params: Message['params'], progress: number, total: number): Promise<void> {
    const progressToken: unknown = Reflect.get(Object(params._meta), 'progressToken');
    if (progressToken === undefined || !this.#session.calls.has(this)) return;
    const method = 'notifications/progress';
    const json = JSON.stringify({ jsonrpc: '2.0', method, params: { progressToken, progress, total } });
    if (this.#session.parts.defect === 'progress-held-back') this.#heldBack.push(json);
    else await this.#post.stream.send(json);
  }

  #answer(outcome: Outcome): void {
    if (!this.#session.calls.has(this)) return;
    for (const json of this.#heldBack.splice(0)) void this.#post.stream.send(json);
    void this.#post.stream.send(JSON.stringify({ jsonrpc: '2.0', id: this.id, ...outcome }));
    this.#settle();
  }

  #settle(): void {
    if (!this.#session.calls.delete(this)) return;
    this.#post.owed -= 1;
    if (this.#post.owed === 0) this.#post.stream.end();
    this.#session.touch();
    this.#session.onSettled();
  }
}
