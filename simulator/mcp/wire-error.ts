/** Every way in which bytes from a server can break the rules of HTTP/1.1 or of an event stream. */
export const WIRE_ERRORS = {
  'status-line': 'the answer does not begin with a status line',
  'header-line': 'a header line is malformed',
  'folded-header': 'a header is folded over several lines',
  'bare-line-feed': 'a line does not end in CR LF',
  'line-too-long': 'a line is too long',
  'head-too-large': 'the head of the answer is too large',
  'too-many-headers': 'the answer has too many headers',
  'too-many-informational': 'too many 1xx answers came before the final one',
  upgrade: 'the server switches protocols unasked',
  'content-length': 'Content-Length is unusable',
  'transfer-coding': 'Transfer-Encoding is unusable',
  'conflicting-length': 'the length of the body is given twice',
  'chunk-size': 'the size of a chunk is malformed',
  'chunk-end': 'a chunk is longer than its size says',
  'cut-off': 'the connection ended inside the answer',
  'bytes-after-answer': 'bytes came after the answer',
  'event-too-large': 'an event of an event stream is too large',
} as const;

export type WireErrorCode = keyof typeof WIRE_ERRORS;

/** What the server sent is not what the protocol allows. The connection cannot be trusted any more. */
export class WireError extends Error {
  override readonly name = 'WireError';
  readonly code: WireErrorCode;

  constructor(code: WireErrorCode, { got, allowed }: { got: string; allowed: string }) {
    super(`${WIRE_ERRORS[code]}: got ${got}, allowed: ${allowed}`);
    this.code = code;
  }
}

export function isWireErrorCode(code: string): code is WireErrorCode {
  return Object.hasOwn(WIRE_ERRORS, code);
}

/** Bytes of a stranger, made fit for a message: quoted, escaped and short. */
export function quote(text: string): string {
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return JSON.stringify(shown);
}
