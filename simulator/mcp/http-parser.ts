import { quote, WireError } from './wire-error.ts';

/** Names in lower case; values of repeated headers joined with ', '. */
export type HttpHeaders = ReadonlyMap<string, string>;

export interface HttpListener {
  onHead(status: number, headers: HttpHeaders): void;
  onBody(chunk: Buffer): void;
  onEnd(): void;
}

/** One header or chunk-size line. Node's own parser takes a head of 16 KiB in all. */
export const MAX_LINE_BYTES = 16 * 1024;
/** Head, or trailers, of one answer: what Node's own client takes, so more would fail for real clients too. */
export const MAX_HEAD_BYTES = 16 * 1024;
/** Far above what servers and proxies send; bounds the work per answer. */
export const MAX_HEADERS = 256;
/** A server that sends 100 Continue for ever must not keep a client busy for ever. */
export const MAX_INFORMATIONAL = 16;

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [\t\u0020-\u007e\u0080-\u00ff]*)?$/;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const FIELD_VALUE = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;
/** 15 digits stay below Number.MAX_SAFE_INTEGER. */
const LENGTH = /^\d{1,15}$/;
/** 13 hex digits stay below Number.MAX_SAFE_INTEGER. */
const CHUNK_SIZE = /^([0-9A-Fa-f]{1,13})([\t ]*;.*)?$/;
/** Chunk extensions say nothing to us, but must be what Node's client would take (RFC 9112, 7.1.1): name[=value]. */
const EXTENSIONS =
  /^(?:[\t ]*;[\t ]*[\w!#$%&'*+\-.^`|~]+(?:[\t ]*=[\t ]*(?:[\w!#$%&'*+\-.^`|~]+|"(?:[^"\\\p{Cc}]|\t|\\[^\p{Cc}])*"))?)*$/u;

/** What the next bytes are. `idle`: no answer is awaited. */
type State =
  | 'idle'
  | 'status-line'
  | 'header'
  | 'fixed-body'
  | 'body-until-close'
  | 'chunk-size'
  | 'chunk-data'
  | 'chunk-end'
  | 'trailer';

/**
 * Reads HTTP/1.1 answers from bytes cut anywhere (RFC 9112). Throws `WireError` at the first violation.
 *
 *     answer      = *informational status-line *header CRLF body
 *     status-line = "HTTP/1." ("0" / "1") SP 3DIGIT [SP reason] CRLF
 *     header      = token ":" OWS value OWS CRLF            ; never folded
 *     body        = ""                                      ; HEAD, 204, 304
 *                 / *chunk "0" [*WS ";" ext] CRLF *header CRLF ; Transfer-Encoding: chunked
 *                 / length*OCTET                            ; Content-Length
 *                 / *OCTET                                  ; until the connection ends
 *     chunk       = 1*HEXDIG [*WS ";" ext] CRLF size*OCTET CRLF
 *
 * One answer at a time: `expect()` it, and bytes beyond its end are an error, since this client never
 * pipelines and such bytes belong to no request.
 */
export class HttpParser {
  readonly #listener: HttpListener;
  #state: State = 'idle';
  /** The beginning of a line whose end has not come yet (latin1, as the header grammar counts bytes). */
  #partialLine = '';
  #headBytes = 0;
  #headerLines = 0;
  #informational = 0;
  #isHead = false;
  #isHttp10 = false;
  #status = 0;
  #headers = new Map<string, string>();
  /** Bytes still to come of a fixed body or a chunk. */
  #remaining = 0;
  #sawBytes = false;
  #keepsAlive = true;

  constructor(listener: HttpListener) {
    this.#listener = listener;
  }

  /** Whether any byte of the awaited answer has come. */
  get sawBytes(): boolean {
    return this.#sawBytes;
  }

  /** Whether the connection may carry another request after this answer. */
  get keepsAlive(): boolean {
    return this.#keepsAlive;
  }

  /** A request was sent: its answer comes next. */
  expect(method: string): void {
    this.#state = 'status-line';
    this.#partialLine = '';
    this.#isHead = method === 'HEAD';
    this.#informational = 0;
    this.#sawBytes = false;
    this.#beginHead();
  }

  feed(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) at = this.#step(chunk, at);
  }

  /** The connection ended. Completes a body that runs until then, otherwise an unfinished answer throws. */
  finish(): void {
    if (this.#state === 'idle') return;
    if (this.#state === 'body-until-close') {
      this.#end();
      return;
    }
    const got = this.#sawBytes ? `the end while reading: ${this.#state}` : 'the end before any byte';
    throw new WireError('cut-off', { got, allowed: 'the end after a complete answer' });
  }

  #step(chunk: Buffer, at: number): number {
    switch (this.#state) {
      case 'idle':
        throw new WireError('bytes-after-answer', {
          got: quote(chunk.toString('latin1', at, at + 60)),
          allowed: 'nothing until the next request',
        });
      case 'fixed-body':
      case 'chunk-data':
        return this.#readOctets(chunk, at);
      case 'body-until-close':
        this.#listener.onBody(at === 0 ? chunk : chunk.subarray(at));
        return chunk.length;
      default:
        return this.#readLine(chunk, at);
    }
  }

  #readOctets(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#remaining);
    this.#remaining -= end - at;
    this.#listener.onBody(chunk.subarray(at, end));
    if (this.#remaining === 0) {
      if (this.#state === 'fixed-body') this.#end();
      else this.#state = 'chunk-end';
    }
    return end;
  }

  #readLine(chunk: Buffer, at: number): number {
    this.#sawBytes = true;
    const lineFeed = chunk.indexOf(10, at);
    const end = lineFeed === -1 ? chunk.length : lineFeed;
    const length = this.#partialLine.length + end - at;
    if (length > MAX_LINE_BYTES) {
      throw new WireError('line-too-long', { got: `${length} bytes`, allowed: `${MAX_LINE_BYTES}` });
    }
    const text = this.#partialLine + chunk.toString('latin1', at, end);
    if (lineFeed === -1) {
      this.#partialLine = text;
      return end;
    }
    this.#partialLine = '';
    if (!text.endsWith('\r')) {
      throw new WireError('bare-line-feed', { got: quote(text), allowed: 'CR LF at the end of each line' });
    }
    this.#understandLine(text.slice(0, -1));
    return lineFeed + 1;
  }

  #understandLine(line: string): void {
    switch (this.#state) {
      case 'status-line':
        this.#readStatusLine(line);
        return;
      case 'header':
        if (line !== '') this.#readHeader(line, this.#headers);
        else this.#completeHead();
        return;
      case 'chunk-size':
        this.#readChunkSize(line);
        return;
      case 'chunk-end':
        if (line === '') this.#state = 'chunk-size';
        else throw new WireError('chunk-end', { got: quote(line), allowed: 'CR LF after the chunk' });
        return;
      case 'trailer':
        // Trailers are checked but not kept: nothing in MCP is said there.
        if (line !== '') this.#readHeader(line, undefined);
        else this.#end();
        return;
      default:
        return;
    }
  }

  #readStatusLine(line: string): void {
    const match = STATUS_LINE.exec(line);
    if (!match) {
      throw new WireError('status-line', { got: quote(line), allowed: 'HTTP/1.0 or HTTP/1.1, 100 to 999' });
    }
    this.#isHttp10 = match[1] === '0';
    this.#status = Number(match[2]);
    this.#state = 'header';
    this.#countHeadBytes(line);
  }

  #readHeader(line: string, into: Map<string, string> | undefined): void {
    this.#countHeadBytes(line);
    this.#headerLines += 1;
    if (this.#headerLines > MAX_HEADERS) {
      throw new WireError('too-many-headers', { got: `${this.#headerLines}`, allowed: `${MAX_HEADERS}` });
    }
    if (line.startsWith(' ') || line.startsWith('\t')) {
      throw new WireError('folded-header', { got: quote(line), allowed: 'one line per header' });
    }
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon));
    const value = line.slice(colon + 1);
    if (!TOKEN.test(name) || !FIELD_VALUE.test(value)) {
      throw new WireError('header-line', { got: quote(line), allowed: 'name ":" value without controls' });
    }
    if (into) addHeader(into, name.toLowerCase(), trimBlanks(value));
  }

  #countHeadBytes(line: string): void {
    this.#headBytes += line.length + 2;
    if (this.#headBytes > MAX_HEAD_BYTES) {
      throw new WireError('head-too-large', {
        got: `${this.#headBytes} bytes`,
        allowed: `${MAX_HEAD_BYTES}`,
      });
    }
  }

  #completeHead(): void {
    const status = this.#status;
    if (status < 200) {
      this.#skipInformational(status);
      return;
    }
    const length = bodyLength(this.#headers, this.#isHttp10);
    const hasNoBody = this.#isHead || status === 204 || status === 304;
    this.#keepsAlive =
      keepsConnection(this.#headers, this.#isHttp10) && (hasNoBody || length !== 'until-close');
    this.#listener.onHead(status, this.#headers);
    if (hasNoBody || length === 0) {
      this.#end();
    } else if (length === 'chunked') {
      this.#state = 'chunk-size';
    } else if (length === 'until-close') {
      this.#state = 'body-until-close';
    } else {
      this.#state = 'fixed-body';
      this.#remaining = length;
    }
  }

  #skipInformational(status: number): void {
    if (status === 101) {
      throw new WireError('upgrade', { got: 'status 101', allowed: 'only upgrades that were asked for' });
    }
    this.#informational += 1;
    if (this.#informational > MAX_INFORMATIONAL) {
      const got = `${this.#informational}`;
      throw new WireError('too-many-informational', { got, allowed: `${MAX_INFORMATIONAL}` });
    }
    this.#beginHead();
    this.#state = 'status-line';
  }

  #readChunkSize(line: string): void {
    const match = CHUNK_SIZE.exec(line);
    if (!match?.[1] || !EXTENSIONS.test(match[2] ?? '')) {
      throw new WireError('chunk-size', {
        got: quote(line),
        allowed: '1 to 13 hex digits, with well-formed extensions',
      });
    }
    this.#remaining = Number.parseInt(match[1], 16);
    if (this.#remaining > 0) {
      this.#state = 'chunk-data';
    } else {
      this.#state = 'trailer';
      this.#headBytes = 0;
      this.#headerLines = 0;
    }
  }

  #beginHead(): void {
    this.#headBytes = 0;
    this.#headerLines = 0;
    // A new map: the listener may keep the old one.
    this.#headers = new Map();
  }

  #end(): void {
    this.#state = 'idle';
    this.#listener.onEnd();
  }
}

function addHeader(headers: Map<string, string>, name: string, value: string): void {
  const earlier = headers.get(name);
  headers.set(name, earlier === undefined ? value : `${earlier}, ${value}`);
}

/** Only SP and TAB: `trim()` would also take a no-break space, which is part of the value here. */
function trimBlanks(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isBlank(value.charCodeAt(start))) start += 1;
  while (end > start && isBlank(value.charCodeAt(end - 1))) end -= 1;
  return value.slice(start, end);
}

function isBlank(char: number): boolean {
  return char === 0x20 || char === 0x09;
}

/** RFC 9112 section 6.3. Where it lets a client guess, this one refuses: a guess would hide a broken server. */
function bodyLength(headers: HttpHeaders, isHttp10: boolean): number | 'chunked' | 'until-close' {
  const coding = headers.get('transfer-encoding');
  const length = headers.get('content-length');
  if (coding !== undefined && length !== undefined) {
    const got = `Transfer-Encoding ${quote(coding)} and Content-Length ${quote(length)}`;
    throw new WireError('conflicting-length', { got, allowed: 'one of them' });
  }
  if (coding !== undefined) {
    if (coding.toLowerCase() === 'chunked' && !isHttp10) return 'chunked';
    const got = `${quote(coding)} in HTTP/1.${isHttp10 ? 0 : 1}`;
    throw new WireError('transfer-coding', { got, allowed: '"chunked" in HTTP/1.1' });
  }
  if (length === undefined) return 'until-close';
  if (LENGTH.test(length)) return Number(length);
  throw new WireError('content-length', { got: quote(length), allowed: 'one number of 1 to 15 digits' });
}

function keepsConnection(headers: HttpHeaders, isHttp10: boolean): boolean {
  const connection = headers.get('connection');
  if (connection === undefined) return !isHttp10;
  const options = connection.split(',').map((option) => option.trim().toLowerCase());
  if (options.includes('close')) return false;
  return !isHttp10 || options.includes('keep-alive');
}
