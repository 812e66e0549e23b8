import { describe, expect, it } from 'vitest';
import {
  HttpParser,
  MAX_HEAD_BYTES,
  MAX_HEADERS,
  MAX_INFORMATIONAL,
  MAX_LINE_BYTES,
} from '../../../simulator/mcp/http-parser.ts';
import { WireError } from '../../../simulator/mcp/wire-error.ts';
import { everySplit, parseByNode, parseByOurs } from './parse-answer.ts';

const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
const HI = 'Content-Length: 2\r\n\r\nhi';

/** Answers that both parsers take, and understand alike. */
const GOOD: readonly [why: string, raw: string, method?: string][] = [
  ['a body of stated length', `${OK}Content-Length: 5\r\n\r\nhello`],
  ['an empty body of stated length', `${OK}Content-Length: 0\r\n\r\n`],
  ['one chunk', `${CHUNKED}5\r\nhello\r\n0\r\n\r\n`],
  [
    'chunks of several sizes, in hex of either case',
    `${CHUNKED}A\r\n0123456789\r\nb\r\n0123456789a\r\n0\r\n\r\n`,
  ],
  ['chunk sizes with leading zeros', `${CHUNKED}0005\r\nhello\r\n000\r\n\r\n`],
  ['chunk extensions', `${CHUNKED}5;a=b;c="d"\r\nhello\r\n0;x\r\n\r\n`],
  ['trailers', `${CHUNKED}5\r\nhello\r\n0\r\nX: y\r\nZ: w\r\n\r\n`],
  ['chunk data that looks like chunk framing', `${CHUNKED}9\r\n\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n`],
  ['header names and codings of any case', `${OK}TRANSFER-ENCODING: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`],
  ['a body until the connection ends', `${OK}\r\nhello`],
  ['no body until the connection ends', `${OK}\r\n`],
  ['HTTP/1.0, whose connections do not last', 'HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello'],
  ['HTTP/1.0 with keep-alive', `HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n${HI}`],
  ['HTTP/1.0 until the connection ends', 'HTTP/1.0 200 OK\r\n\r\nhello'],
  ['Connection: close', `${OK}Connection: close\r\n${HI}`],
  ['close in a list of connection options', `${OK}Connection: foo, Close\r\n${HI}`],
  ['an empty Connection header', `${OK}Connection:\r\n${HI}`],
  ['repeated headers, joined', `${OK}A: 1\r\na: 2\r\n${HI}`],
  ['blanks round a value, but not inside', `${OK}A: \t 1 2 \t\r\nB:\r\nC:x\r\n${HI}`],
  ['a value with bytes above ASCII', `${OK}A: \u00e9\u00a0\u00ff\r\n${HI}`],
  ['no reason', `HTTP/1.1 200\r\n${HI}`],
  ['an empty reason', `HTTP/1.1 200 \r\n${HI}`],
  ['204 without a body', 'HTTP/1.1 204 No Content\r\n\r\n'],
  ['204 whose Content-Length means nothing', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n'],
  ['304 whose Content-Length means nothing', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n'],
  ['HEAD, answered without a body', `${OK}Content-Length: 5\r\n\r\n`, 'HEAD'],
  ['100 Continue before the answer', `HTTP/1.1 100 Continue\r\n\r\n${OK}${HI}`],
  ['103 with headers of its own before the answer', `HTTP/1.1 103 Early\r\nLink: x\r\n\r\n${OK}${HI}`],
  ['a status nobody has assigned', `HTTP/1.1 599 x\r\n${HI}`],
];

/** Answers that both parsers refuse; the code is ours. */
const BAD: readonly [why: string, code: string, raw: string][] = [
  ['nothing at all', 'cut-off', ''],
  ['not HTTP', 'status-line', 'garbage\r\n\r\n'],
  ['HTTP/1.2', 'status-line', `HTTP/1.2 200 OK\r\n${HI}`],
  ['http in lower case', 'status-line', `http/1.1 200 OK\r\n${HI}`],
  ['a status of four digits', 'status-line', `HTTP/1.1 2000 OK\r\n${HI}`],
  ['a status of two digits', 'status-line', `HTTP/1.1 20 OK\r\n${HI}`],
  ['two blanks before the status', 'status-line', `HTTP/1.1  200 OK\r\n${HI}`],
  ['LF alone after the status line', 'bare-line-feed', `HTTP/1.1 200 OK\n${HI}`],
  ['LF alone after a header', 'bare-line-feed', `${OK}A: b\n${HI}`],
  ['LF alone after the head', 'bare-line-feed', `${OK}Content-Length: 0\r\n\n`],
  ['CR inside a header', 'header-line', `${OK}A: b\rc\r\n${HI}`],
  ['a folded header', 'folded-header', `${OK}A: b\r\n c\r\n${HI}`],
  ['a first header that begins with a blank', 'folded-header', `${OK} A: b\r\n${HI}`],
  ['a blank before the colon', 'header-line', `${OK}A : b\r\n${HI}`],
  ['a header without a colon', 'header-line', `${OK}Abc\r\n${HI}`],
  ['a header without a name', 'header-line', `${OK}: x\r\n${HI}`],
  ['a name that is no token', 'header-line', `${OK}A(: x\r\n${HI}`],
  ['NUL in a value', 'header-line', `${OK}A: x\u0000y\r\n${HI}`],
  ['DEL in a value', 'header-line', `${OK}A: x\u007fy\r\n${HI}`],
  [
    'both lengths',
    'conflicting-length',
    `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  ['one length twice', 'content-length', `${OK}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`],
  ['two lengths', 'content-length', `${OK}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`],
  ['a list of lengths', 'content-length', `${OK}Content-Length: 5, 5\r\n\r\nhello`],
  ['a negative length', 'content-length', `${OK}Content-Length: -5\r\n\r\nhello`],
  ['a length with a plus', 'content-length', `${OK}Content-Length: +5\r\n\r\nhello`],
  ['an empty length', 'content-length', `${OK}Content-Length:\r\n\r\nhello`],
  ['a length in hex', 'content-length', `${OK}Content-Length: 0x5\r\n\r\nhello`],
  ['a length beyond all numbers', 'content-length', `${OK}Content-Length: ${'9'.repeat(23)}\r\n\r\nhello`],
  ['a chunk size that is no hex', 'chunk-size', `${CHUNKED}xyz\r\nhello\r\n0\r\n\r\n`],
  ['a chunk size with 0x', 'chunk-size', `${CHUNKED}0x5\r\nhello\r\n0\r\n\r\n`],
  ['a negative chunk size', 'chunk-size', `${CHUNKED}-5\r\nhello\r\n0\r\n\r\n`],
  ['no chunk size', 'chunk-size', `${CHUNKED}\r\nhello\r\n0\r\n\r\n`],
  ['a chunk size after a blank', 'chunk-size', `${CHUNKED} 5\r\nhello\r\n0\r\n\r\n`],
  ['a chunk size before a blank', 'chunk-size', `${CHUNKED}5 \r\nhello\r\n0\r\n\r\n`],
  ['a chunk size beyond all numbers', 'chunk-size', `${CHUNKED}${'f'.repeat(21)}\r\nhello\r\n0\r\n\r\n`],
  ['a chunk longer than its size', 'chunk-end', `${CHUNKED}4\r\nhello\r\n0\r\n\r\n`],
  ['a chunk shorter than its size', 'bare-line-feed', `${CHUNKED}6\r\nhello\r\n0\r\n\r\n`],
  ['LF alone after a chunk size', 'bare-line-feed', `${CHUNKED}5\nhello\r\n0\r\n\r\n`],
  ['LF alone after a chunk', 'bare-line-feed', `${CHUNKED}5\r\nhello\n0\r\n\r\n`],
  ['a malformed trailer', 'header-line', `${CHUNKED}5\r\nhello\r\n0\r\nX y\r\n\r\n`],
  ['the end inside the head', 'cut-off', `${OK}Content-Le`],
  ['the end inside a body of stated length', 'cut-off', `${OK}Content-Length: 5\r\n\r\nhel`],
  ['the end inside a chunk', 'cut-off', `${CHUNKED}5\r\nhel`],
  ['the end before the last chunk', 'cut-off', `${CHUNKED}5\r\nhello\r\n`],
  ['the end before the end of the trailers', 'cut-off', `${CHUNKED}5\r\nhello\r\n0\r\n`],
  ['an upgrade unasked', 'upgrade', 'HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'],
];

/** Where Node guesses or looks away and a witness should not. */
const STRICTER: readonly [why: string, code: string, raw: string][] = [
  ['a status below 100', 'status-line', `HTTP/1.1 099 x\r\n${HI}`],
  ['HTTP/2.0 in text', 'status-line', `HTTP/2.0 200 OK\r\n${HI}`],
  ['an empty line before the answer', 'status-line', `\r\n${OK}${HI}`],
  ['a control in the reason', 'status-line', `HTTP/1.1 200 O\u0001K\r\n${HI}`],
  ['chunks in HTTP/1.0', 'transfer-coding', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['a coding we never asked for', 'transfer-coding', `${OK}Transfer-Encoding: gzip\r\n\r\nhello`],
  ['a coding under the chunks', 'transfer-coding', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
  [
    'the identity coding, which is abolished',
    'transfer-coding',
    `${OK}Transfer-Encoding: identity\r\n\r\nhello`,
  ],
  ['a second answer nobody asked for', 'bytes-after-answer', `${OK}${HI}${OK}${HI}`],
];

const bytes = (raw: string) => Buffer.from(raw, 'latin1');

describe('HttpParser beside the parser of Node', () => {
  it.each(GOOD)('understands %s alike, wherever the bytes are cut', async (_why, raw, method) => {
    const whole = parseByOurs([bytes(raw)], method);
    expect(whole).not.toHaveProperty('error');
    expect(await parseByNode([bytes(raw)], method)).toEqual(whole);
    for (const pieces of everySplit(bytes(raw))) {
      expect(parseByOurs(pieces, method)).toEqual(whole);
      expect(await parseByNode(pieces, method)).toEqual(whole);
    }
    expect(
      parseByOurs(
        Array.from(bytes(raw), (byte) => Buffer.from([byte])),
        method,
      ),
    ).toEqual(whole);
  });

  it.each(BAD)('refuses %s alike (%s), wherever the bytes are cut', async (_why, error, raw) => {
    expect(parseByOurs([bytes(raw)])).toEqual({ error });
    for (const pieces of everySplit(bytes(raw))) {
      expect(parseByOurs(pieces)).toEqual({ error });
      expect(await parseByNode(pieces)).toHaveProperty('error');
    }
  });

  it.each(STRICTER)('refuses %s (%s), which Node lets pass', async (_why, error, raw) => {
    expect(await parseByNode([bytes(raw)])).not.toHaveProperty('error');
    for (const pieces of everySplit(bytes(raw))) expect(parseByOurs(pieces)).toEqual({ error });
  });
});

describe('HttpParser', () => {
  const headers = (count: number) => Array.from({ length: count }, (_, n) => `A${n}: x\r\n`).join('');
  const limits: readonly [why: string, code: string | undefined, raw: string][] = [
    ['a line at the limit', undefined, `${OK}A: ${'x'.repeat(MAX_LINE_BYTES - 60)}\r\n${HI}`],
    ['a line over it', 'line-too-long', `${OK}A: ${'x'.repeat(MAX_LINE_BYTES)}\r\n${HI}`],
    ['a line over it that never ends', 'line-too-long', `${OK}A: ${'x'.repeat(2 * MAX_LINE_BYTES)}`],
    [
      'a head over the limit',
      'head-too-large',
      `${OK}${`A: ${'x'.repeat(MAX_HEAD_BYTES / 4)}\r\n`.repeat(4)}${HI}`,
    ],
    ['as many headers as allowed', undefined, `${OK}${headers(MAX_HEADERS - 1)}${HI}`],
    ['one header more', 'too-many-headers', `${OK}${headers(MAX_HEADERS)}${HI}`],
    ['trailers without end', 'too-many-headers', `${CHUNKED}0\r\n${headers(MAX_HEADERS + 1)}\r\n`],
    ['as many 1xx as allowed', undefined, `${'HTTP/1.1 100 C\r\n\r\n'.repeat(MAX_INFORMATIONAL)}${OK}${HI}`],
    ['one 1xx more', 'too-many-informational', 'HTTP/1.1 100 C\r\n\r\n'.repeat(MAX_INFORMATIONAL + 1)],
  ];
  it.each(limits)('given %s, reports %s', (_why, code, raw) => {
    const parsed = parseByOurs([bytes(raw)]);
    expect('error' in parsed ? parsed.error : undefined).toBe(code);
  });

  it('delivers a complete answer before it complains of the bytes that follow', () => {
    let ends = 0;
    const parser = new HttpParser({
      onHead: () => undefined,
      onBody: () => undefined,
      onEnd: () => {
        ends += 1;
      },
    });
    parser.expect('POST');
    expect(() => parser.feed(bytes(`${OK}${HI}X`))).toThrow(WireError);
    expect(ends).toBe(1);
  });

  it('says what it got and what is allowed', () => {
    const parser = new HttpParser({
      onHead: () => undefined,
      onBody: () => undefined,
      onEnd: () => undefined,
    });
    parser.expect('POST');
    expect(() => parser.feed(bytes('SSH-2.0-x\r\n'))).toThrow(
      'the answer does not begin with a status line: got "SSH-2.0-x", allowed: HTTP/1.0 or HTTP/1.1',
    );
  });

  it('reads answer after answer on one connection', () => {
    const statuses: number[] = [];
    const parser = new HttpParser({
      onHead: (status) => statuses.push(status),
      onBody: () => undefined,
      onEnd: () => undefined,
    });
    for (const raw of [`${OK}${HI}`, `${CHUNKED}0\r\n\r\n`, 'HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n']) {
      parser.expect('POST');
      parser.feed(bytes(raw));
      expect(parser.keepsAlive).toBe(true);
    }
    expect(statuses).toEqual([200, 200, 404]);
  });
});
