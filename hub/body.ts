import type { IncomingMessage } from 'node:http';
import { type JSONRPCMessage, JSONRPCMessageSchema } from '@modelcontextprotocol/sdk/types.js';
import { HubError } from './errors.ts';

/** Most messages in one batch, as in the SDKs. */
const MAX_BATCH = 100;

/**
 * The JSON of a request's body. When the app around has parsed it already (`express.json()`), that is taken.
 * @throws HubError UNSUPPORTED_MEDIA_TYPE, BODY_TOO_LARGE, INVALID_JSON
 */
export async function readJson(
  request: IncomingMessage & { body?: unknown },
  maxBytes: number,
): Promise<unknown> {
  const mediaType = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (mediaType !== 'application/json') throw new HubError('UNSUPPORTED_MEDIA_TYPE');
  if (request.body !== undefined) return request.body;
  const encoding = request.headers['content-encoding']?.trim().toLowerCase();
  if (encoding !== undefined && encoding !== 'identity') {
    throw new HubError('UNSUPPORTED_MEDIA_TYPE', { detail: 'Content-Encoding is not taken.' });
  }
  const bytes = await readBytes(request, maxBytes);
  try {
    // Refuses what is no UTF-8 (2025-11-25, basic/transports: JSON-RPC MUST be) instead of putting U+FFFD in its place.
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new HubError('INVALID_JSON', { cause });
  }
}

/** A body as JSON-RPC messages; a single one is a list of one. */
export interface Messages {
  readonly list: readonly JSONRPCMessage[];
  readonly isBatch: boolean;
}

/** @throws HubError INVALID_MESSAGE, BATCH_NOT_ALLOWED */
export function parseMessages(json: unknown): Messages {
  const isBatch = Array.isArray(json);
  const items: unknown[] = isBatch ? json : [json];
  if (isBatch && (items.length === 0 || items.length > MAX_BATCH)) throw new HubError('BATCH_NOT_ALLOWED');
  const list = items.map((item) => {
    const parsed = JSONRPCMessageSchema.safeParse(item);
    if (!parsed.success) throw new HubError('INVALID_MESSAGE');
    return parsed.data;
  });
  return { list, isBatch };
}

/** Counts the bytes that arrive instead of believing Content-Length (F49). */
function readBytes(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const tooLarge = () => new HubError('BODY_TOO_LARGE', { detail: `At most ${maxBytes} bytes are taken.` });
  return new Promise((resolve, reject) => {
    if (Number(request.headers['content-length']) > maxBytes) {
      reject(tooLarge());
      return;
    }
    // Its end has come and gone: nobody would tell of it any more.
    if (request.destroyed) {
      reject(new Error('The client left before its request was read.'));
      return;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBytes) chunks.push(chunk);
      else reject(tooLarge());
    });
    request.once('end', () => resolve(Buffer.concat(chunks)));
    request.once('error', reject);
    request.once('close', () => reject(new Error('The client left before its request was complete.')));
  });
}
