import type { IncomingMessage } from 'node:http';
import type { DefectName } from '../defects.ts';
import { Refusal } from './refusal.ts';

const MAX_BYTES = 4 * 1_024 * 1_024;
/** What `express.json()` takes unless it is told otherwise: an argument of 1 MB is refused. */
const SMALL_BYTES = 100 * 1_024;
const TIMEOUT_MS = 10_000;
/** Most messages in one batch. */
const MAX_BATCH = 100;

/** One JSON-RPC message, checked as far as it is used. */
export interface Message {
  readonly id?: string | number;
  readonly method?: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/**
 * The JSON of a body that arrives whole, in time and not too large.
 * @throws Refusal not-json, too-large, timeout, bad-json; Error when the client left
 */
export async function readJson(request: IncomingMessage, defect: DefectName | undefined): Promise<unknown> {
  const mediaType = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (mediaType !== 'application/json') throw new Refusal('not-json');
  const text = await readText(request, defect);
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal('bad-json');
  }
}

/**
 * The messages of a body; a single one is a list of one.
 * @throws Refusal bad-message
 */
export function parseMessages(json: unknown): { list: Message[]; isBatch: boolean } {
  const isBatch = Array.isArray(json);
  const items: unknown[] = isBatch ? json : [json];
  if (items.length === 0 || items.length > MAX_BATCH) throw new Refusal('bad-message');
  return { list: items.map(parseMessage), isBatch };
}

function parseMessage(item: unknown): Message {
  const { jsonrpc, id, method, params, result, error } = fieldsOf(item);
  const isAnswer = method === undefined && id !== undefined && (result !== undefined || error !== undefined);
  if (jsonrpc !== '2.0' || (typeof method !== 'string' && !isAnswer)) throw new Refusal('bad-message');
  if (id !== undefined && typeof id !== 'string' && !Number.isInteger(id)) throw new Refusal('bad-message');
  return {
    ...((typeof id === 'string' || typeof id === 'number') && { id }),
    ...(typeof method === 'string' && { method }),
    params: fieldsOf(params),
  };
}

/** The fields of an object; none of anything else. */
export function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

/** Counts the bytes that arrive instead of believing Content-Length (F49). */
function readText(request: IncomingMessage, defect: DefectName | undefined): Promise<string> {
  const maxBytes = defect === 'small-bodies-only' ? SMALL_BYTES : MAX_BYTES;
  const isBounded = defect !== 'bodies-without-limit';
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const timer =
      defect === 'half-sent-bodies-for-ever'
        ? undefined
        : setTimeout(() => reject(new Refusal('timeout')), TIMEOUT_MS).unref();
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBytes || !isBounded) chunks.push(chunk);
      else reject(new Refusal('too-large'));
    });
    request.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    request.once('error', reject);
    request.once('close', () => {
      clearTimeout(timer);
      reject(new Error('The client left before its request was complete.'));
    });
  });
}
