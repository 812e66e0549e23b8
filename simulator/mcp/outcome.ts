import type { JsonObject } from './json-rpc.ts';
import { isWireErrorCode } from './wire-error.ts';

/** How a request ended, as its answer alone tells it. */
export type Ending =
  /** The JSON-RPC result that the request was owed. */
  | { readonly kind: 'result'; readonly status: number; readonly result: JsonObject }
  /** A JSON-RPC error in a 2xx answer. */
  | { readonly kind: 'rpc-error'; readonly status: number; readonly code: number; readonly message: string }
  /** 2xx to what is owed no JSON-RPC answer: a notification, an answer of ours, DELETE, a GET stream. */
  | { readonly kind: 'accepted'; readonly status: number }
  /**
   * Any status but 2xx. `body`: its beginning. `rpcCode`: the code, where the body is a JSON-RPC error.
   * `retryAfterMs`: how long the server asks us to stay away.
   */
  | {
      readonly kind: 'http-error';
      readonly status: number;
      readonly body: string;
      readonly rpcCode?: number;
      readonly retryAfterMs?: number;
    }
  /** 2xx, but the body ended without the answer (failure mode F36). */
  | { readonly kind: 'empty'; readonly status: number }
  /** An answer to someone else's request, or a malformed one (failure mode F28). */
  | { readonly kind: 'wrong-answer'; readonly status: number; readonly reason: string }
  | { readonly kind: 'timeout' }
  /**
   * `code`: a Node system error (`ECONNREFUSED`, `ECONNRESET`, …), `closed` when the connection ended
   * before the answer did, `too-many-waiting`, or a WireErrorCode when the answer was not HTTP.
   */
  | { readonly kind: 'connection'; readonly code: string; readonly message: string }
  /** We gave up on purpose. */
  | { readonly kind: 'aborted' };

/** How a request ended, and when. `sentAt` is when it was asked for if nothing was ever written. Clock ms. */
export type Outcome = Ending & { readonly sentAt: number; readonly doneAt: number };

type Answered = Extract<Outcome, { kind: 'result' | 'rpc-error' | 'accepted' | 'http-error' }>;

/** Whether a complete and fitting answer came, good or bad. */
export function isAnswered(outcome: Outcome): outcome is Answered {
  switch (outcome.kind) {
    case 'result':
    case 'rpc-error':
    case 'accepted':
    case 'http-error':
      return true;
    case 'empty':
    case 'wrong-answer':
    case 'timeout':
    case 'connection':
    case 'aborted':
      return false;
  }
}

/** A stable name for metrics; undefined when nothing went wrong. `http_` is followed by the status. */
export function errorClass(ending: Ending): string | undefined {
  switch (ending.kind) {
    case 'result':
    case 'accepted':
      return undefined;
    case 'rpc-error':
      return 'rpc_error';
    case 'http-error':
      return `http_${ending.status}`;
    case 'empty':
      return 'empty_answer';
    case 'wrong-answer':
      return 'wrong_answer';
    case 'timeout':
      return 'timeout';
    case 'connection':
      return connectionClass(ending.code);
    case 'aborted':
      return 'aborted';
  }
}

/** It failed on this machine, for want of files, ports or memory of the simulator's own: the target never heard of it. */
export function isLocalFailure(outcome: Outcome): outcome is Extract<Outcome, { kind: 'connection' }> {
  return outcome.kind === 'connection' && connectionClass(outcome.code) === LOCAL_LIMIT;
}

const LOCAL_LIMIT = 'local_limit';

function connectionClass(code: string): string {
  switch (code) {
    case 'ECONNREFUSED':
      return 'connection_refused';
    case 'ECONNRESET':
    case 'ECONNABORTED':
    case 'EPIPE':
      return 'connection_reset';
    case 'closed':
      return 'connection_closed';
    case 'EMFILE':
    case 'ENFILE':
    case 'ENOBUFS':
    case 'EADDRNOTAVAIL':
    case 'too-many-waiting':
      return LOCAL_LIMIT;
    default:
      return isWireErrorCode(code) ? 'bad_http' : 'connection_failed';
  }
}
