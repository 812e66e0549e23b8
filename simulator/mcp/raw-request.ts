import { type AnswerReader, isSuccess, mediaType } from './answer.ts';
import { type ClientEvent, initializeEnd, rawDeleteEnd, rawEnd } from './client-event.ts';
import type { RequestOptions } from './client-options.ts';
import type { Headers } from './headers.ts';
import type { HttpHeaders } from './http-parser.ts';
import type { Ending, Outcome } from './outcome.ts';
import type { Requests, Spec } from './requests.ts';

/** Any HTTP request, also one that no client should send. Headers are sent as they stand. */
export interface RawRequest {
  readonly method: string;
  /** Absent: that of the endpoint. */
  readonly path?: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body?: string;
  /**
   * What it is for the ledger: `session` speaks on the client's session, `initialize` asks for a new one, `nothing`
   * concerns none.
   */
  readonly concerns: 'session' | 'initialize' | 'nothing';
}

/** The request with what its client sends with every one, as far as it does not name that itself. */
export function withHeaders(request: RawRequest, common: Headers = {}): RawRequest {
  const named = new Set(request.headers.map(([name]) => name.toLowerCase()));
  const added = Object.entries(common).filter(([name]) => !named.has(name.toLowerCase()));
  return { ...request, headers: [...added, ...request.headers] };
}

/** What a raw request needs of the client that sends it. */
export interface RawSender {
  readonly requests: Requests;
  readonly emit: (event: ClientEvent) => void;
  readonly emitOnSession: (event: ClientEvent) => void;
  readonly clientName: string;
  readonly opened: (sessionId: string, at: number) => void;
  /** Returns the number of the stream. */
  readonly streamOpened: (at: number) => number;
  readonly streamEnded: (stream: number) => void;
}

/** Sends it and tells the ledger what it has to know. */
export function sendRaw(
  endpoint: URL,
  request: RawRequest,
  options: RequestOptions,
  sender: RawSender,
): Promise<Outcome> {
  const reader = new RawAnswer();
  const spec = { method: request.method, text: writeRaw(endpoint, request), reader, options };
  const { requests, emitOnSession } = sender;
  if (request.concerns === 'nothing') {
    return requests.exchange({ ...spec, onSent: () => undefined, onSettled: () => undefined });
  }
  if (request.concerns === 'initialize') return sendInitialize(spec, reader, sender);
  if (request.method === 'DELETE') {
    return requests.exchange({
      ...spec,
      onSent: (at) => emitOnSession({ kind: 'delete-sent', at }),
      onSettled: (outcome, sent) => {
        if (sent) emitOnSession(rawDeleteEnd(outcome));
      },
    });
  }
  const isGet = request.method === 'GET';
  return requests.onSession({
    ...spec,
    isHandshake: request.method === 'POST',
    endOf: (outcome, number, longestMs) =>
      rawEnd(outcome, number, { longestMs, isGoingOn: reader.isEventStream && !isGet }),
    // A stream that was not asked for by listen is of no use: it is closed at once.
    onAnswered: (outcome, exchange) => {
      if (!isGet || outcome.kind !== 'accepted' || !reader.isEventStream) return;
      const stream = sender.streamOpened(outcome.doneAt);
      exchange.abort();
      sender.streamEnded(stream);
    },
  });
}

function sendInitialize(
  spec: Pick<Spec, 'method' | 'text' | 'options'>,
  reader: RawAnswer,
  { requests, emit, clientName, opened }: RawSender,
): Promise<Outcome> {
  const longestMs = spec.options.timeoutMs ?? 0;
  return requests.exchange({
    ...spec,
    reader,
    onSent: (at) => emit({ kind: 'initialize-sent', at, clientName }),
    onSettled: (outcome, sent) => {
      if (!sent) return;
      if (reader.sessionId === undefined) emit(initializeEnd(outcome, { longestMs }));
      else opened(reader.sessionId, outcome.doneAt);
    },
  });
}

/** Head and body. Host and Content-Length are added where the request does not name them itself. */
export function writeRaw(endpoint: URL, { method, path, headers, body }: RawRequest): string {
  const names = new Set(headers.map(([name]) => name.toLowerCase()));
  const isFramed = names.has('content-length') || names.has('transfer-encoding');
  const added = [
    ...(names.has('host') ? [] : [`Host: ${endpoint.host}`]),
    ...(body === undefined || isFramed ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
  ];
  const line = `${method} ${path ?? `${endpoint.pathname}${endpoint.search}`} HTTP/1.1`;
  const lines = [line, ...added, ...headers.map(([name, value]) => `${name}: ${value}`)];
  return `${lines.join('\r\n')}\r\n\r\n${body ?? ''}`;
}

/** The answer to a raw request: all that is asked of it is its status. */
export class RawAnswer implements AnswerReader {
  #isEventStream = false;
  #sessionId: string | undefined;

  /** The answer goes on as long as the server likes. */
  get isEventStream(): boolean {
    return this.#isEventStream;
  }

  get sessionId(): string | undefined {
    return this.#sessionId;
  }

  onHead(status: number, headers: HttpHeaders): Ending {
    this.#isEventStream = mediaType(headers) === 'text/event-stream';
    if (!isSuccess(status)) return { kind: 'http-error', status, body: '' };
    this.#sessionId = headers.get('mcp-session-id');
    return { kind: 'accepted', status };
  }

  onBody(): undefined {
    return undefined;
  }

  onEnd(): never {
    throw new Error('an answer ended before its head, and the parser did not say so');
  }
}
