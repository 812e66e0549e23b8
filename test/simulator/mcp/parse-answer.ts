import http from 'node:http';
import { duplexPair } from 'node:stream';
import { type HttpHeaders, HttpParser } from '../../../simulator/mcp/http-parser.ts';
import { WireError } from '../../../simulator/mcp/wire-error.ts';

/** What came of one raw answer: everything a client could act on. */
export interface Parsed {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly keepsAlive: boolean;
}

/** By our parser. `error` is the WireErrorCode. */
export function parseByOurs(pieces: readonly Buffer[], method = 'POST'): Parsed | { error: string } {
  let status = 0;
  let headers: HttpHeaders = new Map();
  const body: Buffer[] = [];
  let ends = 0;
  const parser = new HttpParser({
    onHead: (gotStatus, gotHeaders) => {
      status = gotStatus;
      headers = gotHeaders;
    },
    onBody: (chunk) => body.push(Buffer.from(chunk)),
    onEnd: () => {
      ends += 1;
    },
  });
  parser.expect(method);
  try {
    for (const piece of pieces) parser.feed(piece);
    parser.finish();
  } catch (error) {
    if (error instanceof WireError) return { error: error.code };
    throw error;
  }
  if (ends !== 1) throw new Error(`onEnd: got ${ends} calls, allowed: 1`);
  const text = Buffer.concat(body).toString('latin1');
  return { status, headers: Object.fromEntries(headers), body: text, keepsAlive: parser.keepsAlive };
}

/** By Node's own client, over a pair of streams. `error` is Node's code. */
export function parseByNode(pieces: readonly Buffer[], method = 'POST'): Promise<Parsed | { error: string }> {
  const { promise, resolve } = Promise.withResolvers<Parsed | { error: string }>();
  const [near, far] = duplexPair();
  const request = http.request({
    method,
    createConnection: () => near,
    headers: { host: 'x', connection: 'keep-alive', 'content-length': '0' },
  });
  request.on('error', (error: NodeJS.ErrnoException) => resolve({ error: error.code ?? error.message }));
  request.on('upgrade', () => resolve({ error: 'upgrade' }));
  request.on('response', (response) => {
    const body: Buffer[] = [];
    response.on('data', (chunk: Buffer) => body.push(chunk));
    response.on('error', (error: NodeJS.ErrnoException) => resolve({ error: error.code ?? error.message }));
    response.on('end', () =>
      resolve({
        status: response.statusCode ?? 0,
        headers: joinHeaders(response.rawHeaders),
        body: Buffer.concat(body).toString('latin1'),
        keepsAlive: request.shouldKeepAlive,
      }),
    );
  });
  request.end();
  far.on('error', () => undefined);
  far.resume();
  void sendPieces(far, pieces);
  return promise;
}

async function sendPieces(stream: NodeJS.WritableStream, pieces: readonly Buffer[]): Promise<void> {
  for (const piece of pieces) {
    if (piece.length > 0) stream.write(piece);
    // A turn of the event loop, so that the pieces arrive as pieces.
    await new Promise((resolve) => setImmediate(resolve));
  }
  stream.end();
}

function joinHeaders(raw: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase();
    const value = raw[index + 1] ?? '';
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  return headers;
}

/** The bytes cut in two at every position. */
export function everySplit(raw: Buffer): (readonly Buffer[])[] {
  return Array.from({ length: raw.length }, (_, at) => [raw.subarray(0, at), raw.subarray(at)]);
}
