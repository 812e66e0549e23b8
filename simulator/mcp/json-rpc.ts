import { quote } from './wire-error.ts';

export type Id = string | number;
export type JsonObject = Readonly<Record<string, unknown>>;

/** A JSON-RPC 2.0 message as MCP narrows it: ids are strings or integers, params and results are objects. */
export type Message =
  | { readonly kind: 'request'; readonly id: Id; readonly method: string; readonly params: unknown }
  | { readonly kind: 'notification'; readonly method: string; readonly params: unknown }
  | { readonly kind: 'result'; readonly id: Id; readonly result: JsonObject }
  /** `id` is undefined where the server could not tell which request it failed to read. */
  | { readonly kind: 'error'; readonly id: Id | undefined; readonly code: number; readonly message: string }
  | { readonly kind: 'malformed'; readonly reason: string };

/** Deeper than any real answer; keeps recursive code that later walks it from running out of stack. */
export const MAX_JSON_DEPTH = 1000;

export const METHOD_NOT_FOUND = -32601;

export function buildRequest(id: Id, method: string, params?: JsonObject): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params });
}

export function buildNotification(method: string, params?: JsonObject): string {
  return JSON.stringify({ jsonrpc: '2.0', method, params });
}

export function buildResult(id: Id, result: JsonObject): string {
  return JSON.stringify({ jsonrpc: '2.0', id, result });
}

export function buildError(id: Id, code: number, message: string): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } });
}

/** One message, or those of a batch, from the text of a body or an event. Never throws, never empty. */
export function parseMessages(text: string): readonly Message[] {
  if (isDeeperThan(text, MAX_JSON_DEPTH)) {
    return [malformed(`JSON nested deeper than ${MAX_JSON_DEPTH}`)];
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return [malformed(`not JSON (${error instanceof Error ? error.message : error}): ${quote(text)}`)];
  }
  if (!Array.isArray(value)) return [classify(value)];
  return value.length === 0 ? [malformed('an empty batch')] : value.map(classify);
}

/** What a parsed message is, by the strict reading of JSON-RPC 2.0. */
export function classify(value: unknown): Message {
  if (!isObject(value)) return malformed(`a message must be an object, got ${show(value)}`);
  if (value.jsonrpc !== '2.0') return malformed(`jsonrpc must be "2.0", got ${show(value.jsonrpc)}`);
  const hasMethod = 'method' in value;
  const answers = Number('result' in value) + Number('error' in value);
  if (Number(hasMethod) + answers !== 1) {
    return malformed(`exactly one of method, result, error is allowed, got ${show(Object.keys(value))}`);
  }
  if (hasMethod) return classifyCall(value);
  return 'result' in value ? classifyResult(value) : classifyError(value);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function classifyCall({ id, method, params, ...rest }: JsonObject): Message {
  if (typeof method !== 'string') return malformed(`method must be a string, got ${show(method)}`);
  if (params !== undefined && !isObject(params)) {
    return malformed(`params must be an object, got ${show(params)}`);
  }
  // JSON has no undefined: an id that is undefined was not sent.
  if (id === undefined) return { kind: 'notification', method, params };
  if (!isId(id)) return malformed(`id must be a string or an integer, got ${show(id)} ${show(rest)}`);
  return { kind: 'request', id, method, params };
}

function classifyResult({ id, result }: JsonObject): Message {
  if (!isId(id)) return malformed(`id must be a string or an integer, got ${show(id)}`);
  if (!isObject(result)) return malformed(`result must be an object, got ${show(result)}`);
  return { kind: 'result', id, result };
}

function classifyError({ id, error }: JsonObject): Message {
  if (id !== undefined && id !== null && !isId(id)) {
    return malformed(`id must be a string, an integer or null, got ${show(id)}`);
  }
  if (!isObject(error)) return malformed(`error must be an object, got ${show(error)}`);
  const { code, message } = error;
  if (!Number.isInteger(code) || typeof code !== 'number') {
    return malformed(`error.code must be an integer, got ${show(code)}`);
  }
  if (typeof message !== 'string') return malformed(`error.message must be a string, got ${show(message)}`);
  return { kind: 'error', id: id ?? undefined, code, message };
}

function isId(value: unknown): value is Id {
  return typeof value === 'string' || Number.isSafeInteger(value);
}

function malformed(reason: string): Message {
  return { kind: 'malformed', reason };
}

function show(value: unknown): string {
  return quote(JSON.stringify(value) ?? 'nothing');
}

/** Counts brackets outside strings. Text too short to nest that deep is not looked at. */
function isDeeperThan(text: string, limit: number): boolean {
  if (text.length <= 2 * limit) return false;
  let depth = 0;
  let isString = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char === 0x22) isString = !isString;
    else if (isString && char === 0x5c) at += 1;
    else if (isString) continue;
    else if (char === 0x5b || char === 0x7b) {
      depth += 1;
      if (depth > limit) return true;
    } else if (char === 0x5d || char === 0x7d) depth -= 1;
  }
  return false;
}
