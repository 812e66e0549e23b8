import type { AnswerReader, RequestAnswer } from './answer.ts';
import type { HttpHeaders } from './http-parser.ts';
import { isObject, type JsonObject } from './json-rpc.ts';
import type { Ending } from './outcome.ts';
import { quote } from './wire-error.ts';

/** What the server agreed to. A server that keeps no sessions gives no id. */
export interface Agreement {
  readonly protocolVersion: string;
  readonly sessionId: string | undefined;
}

const VISIBLE_ASCII = /^[\u0021-\u007e]+$/;

/** The answer to initialize: an ordinary one whose result and headers must also make an agreement. */
export class InitializeAnswer implements AnswerReader {
  readonly #answer: RequestAnswer;
  #agreement: Agreement | undefined;

  constructor(answer: RequestAnswer) {
    this.#answer = answer;
  }

  /** Known once the ending is a result. */
  get agreement(): Agreement | undefined {
    return this.#agreement;
  }

  onHead(status: number, headers: HttpHeaders): Ending | undefined {
    return this.#answer.onHead(status, headers);
  }

  onBody(chunk: Buffer): Ending | undefined {
    const ending = this.#answer.onBody(chunk);
    return ending && this.#check(ending);
  }

  onEnd(): Ending {
    return this.#check(this.#answer.onEnd());
  }

  #check(ending: Ending): Ending {
    if (ending.kind !== 'result') return ending;
    const { sessionId } = this.#answer;
    const { protocolVersion } = ending.result;
    const reason = findFault(ending.result) ?? findSessionFault(sessionId);
    if (reason !== undefined || typeof protocolVersion !== 'string') {
      return { kind: 'wrong-answer', status: ending.status, reason: reason ?? 'no protocolVersion' };
    }
    this.#agreement = { protocolVersion, sessionId };
    return ending;
  }
}

/** InitializeResult, as far as a client depends on it. The version goes into a header, so it must fit there. */
function findFault({ protocolVersion, capabilities, serverInfo }: JsonObject): string | undefined {
  if (typeof protocolVersion !== 'string' || !VISIBLE_ASCII.test(protocolVersion)) {
    return `protocolVersion must be a visible string, got ${show(protocolVersion)}`;
  }
  if (!isObject(capabilities)) return `capabilities must be an object, got ${show(capabilities)}`;
  if (!isObject(serverInfo)) return `serverInfo must be an object, got ${show(serverInfo)}`;
  const { name, version } = serverInfo;
  if (typeof name === 'string' && typeof version === 'string') return undefined;
  return `serverInfo must have a name and a version, got ${show(serverInfo)}`;
}

/** Every version of the specification: 0x21 to 0x7E. */
function findSessionFault(sessionId: string | undefined): string | undefined {
  if (sessionId === undefined || VISIBLE_ASCII.test(sessionId)) return undefined;
  return `Mcp-Session-Id must be visible ASCII (0x21 to 0x7E), got ${quote(sessionId)}`;
}

function show(value: unknown): string {
  return quote(JSON.stringify(value) ?? 'nothing');
}
