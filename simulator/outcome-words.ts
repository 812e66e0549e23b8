import type { Outcome } from './mcp/outcome.ts';

/** What the target, or the network, said of it. */
export function said(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'rpc-error':
      return `${outcome.code} ${outcome.message}`;
    case 'http-error':
      return outcome.body;
    case 'wrong-answer':
      return outcome.reason;
    case 'connection':
      return `${outcome.code} ${outcome.message}`;
    default:
      return '';
  }
}

/** The target did what was asked. */
export function isServed(outcome: Outcome): boolean {
  return outcome.kind === 'result' || outcome.kind === 'accepted';
}

/** No answer came, or none that is one. */
export function isLost(outcome: Outcome): boolean {
  return outcome.kind === 'timeout' || outcome.kind === 'empty' || outcome.kind === 'connection';
}

/** What the SDKs answer to a call whose session or connection they closed under it: no result, and no fault of the call. */
const CUT_CODES: readonly number[] = [-32000, -32001];

export function isCut(outcome: Outcome): boolean {
  return outcome.kind === 'rpc-error' && CUT_CODES.includes(outcome.code);
}

/** How a request ended, as evidence has it. */
export function inWords(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'result':
    case 'accepted':
      return `was answered ${outcome.status}`;
    case 'rpc-error':
      return `got JSON-RPC error ${outcome.code}`;
    case 'http-error':
      return `got ${outcome.status}`;
    case 'empty':
      return `got ${outcome.status} without an answer in it`;
    case 'wrong-answer':
      return `got a wrong answer: ${outcome.reason}`;
    case 'timeout':
      return `had no answer by ${seconds(outcome.doneAt)}`;
    case 'connection':
      return `lost its connection at ${seconds(outcome.doneAt)} (${outcome.code})`;
    case 'aborted':
      return 'was given up';
  }
}

/** A moment of the run: `12.000 s`. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(3)} s`;
}
