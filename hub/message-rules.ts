import type { IncomingMessage } from 'node:http';
import {
  type JSONRPCMessage,
  type JSONRPCRequest,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '@modelcontextprotocol/sdk/types.js';
import type { Messages } from './body.ts';
import { HubError } from './errors.ts';
import type { ClientInfo, Session } from './session.ts';
import type { SessionManager } from './session-manager.ts';

/** Names and versions that clients give themselves are cut to this length. */
const MAX_CLIENT_TEXT = 100;

/**
 * The largest message that may open a session: its MCP server keeps most of an initialize (names, icons, experimental
 * capabilities) for as long as the session lives, so this times the cap on sessions is what strangers can fill (F45).
 */
export const MAX_INITIALIZE_BYTES = 65_536;

/** The only version that has batches (removed in 2025-06-18). */
const VERSION_WITH_BATCHES = '2025-03-26';

interface RuleParts {
  readonly sessions: SessionManager;
  readonly isDraining: () => boolean;
}

/**
 * What may be sent on a session; completes its handshake where that is what was sent.
 * @throws HubError BATCH_NOT_ALLOWED, ALREADY_INITIALIZED, DRAINING, TOO_MANY_CALLS
 */
export function admitMessages(parts: RuleParts, session: Session, messages: Messages): void {
  if (messages.isBatch && session.protocolVersion !== VERSION_WITH_BATCHES) {
    throw new HubError('BATCH_NOT_ALLOWED');
  }
  if (messages.list.some((message) => methodOf(message) === 'initialize')) {
    throw new HubError('ALREADY_INITIALIZED');
  }
  const calls = messages.list.filter(isCall).length;
  if (calls > 0 && parts.isDraining()) throw new HubError('DRAINING');
  if (calls > 0 && !session.transport.hasRoomFor(calls)) throw new HubError('TOO_MANY_CALLS');
  if (messages.list.some(completesHandshake)) parts.sessions.completeHandshake(session.id);
}

/**
 * The initialize that has to come first where there is no session.
 * @throws HubError BATCH_NOT_ALLOWED, SESSION_ID_REQUIRED, DRAINING
 */
export function initializeOf(parts: RuleParts, messages: Messages): JSONRPCRequest {
  const [message] = messages.list;
  if (!message || methodOf(message) !== 'initialize' || !isCall(message)) {
    if (messages.isBatch && messages.list.some((entry) => methodOf(entry) === 'initialize')) {
      throw new HubError('BATCH_NOT_ALLOWED');
    }
    throw new HubError('SESSION_ID_REQUIRED');
  }
  if (messages.isBatch) throw new HubError('BATCH_NOT_ALLOWED');
  if (parts.isDraining()) {
    parts.sessions.countRefused();
    throw new HubError('DRAINING');
  }
  return message;
}

/**
 * The refusal for a session that is not there. A 404 tells a client to start over, so it is not for the moment between
 * a shutdown and the end of the last connection: the session may be taken up by the next process (F54).
 */
export function noSession({ isShutDown }: SessionManager): HubError {
  return new HubError(isShutDown ? 'DRAINING' : 'SESSION_NOT_FOUND');
}

/** @throws HubError UNSUPPORTED_VERSION */
export function checkVersion(request: IncomingMessage): void {
  const version = request.headers['mcp-protocol-version'];
  if (version === undefined) return;
  if (SUPPORTED_PROTOCOL_VERSIONS.includes(String(version))) return;
  throw new HubError('UNSUPPORTED_VERSION', {
    detail: `It speaks ${SUPPORTED_PROTOCOL_VERSIONS.join(', ')}.`,
  });
}

/** What a client says of itself in its initialize. */
export function clientInfoOf(initialize: JSONRPCRequest): ClientInfo {
  const params: unknown = initialize.params?.clientInfo;
  const field = (name: string) => {
    const value: unknown =
      typeof params === 'object' && params !== null ? Reflect.get(params, name) : undefined;
    return typeof value === 'string' ? value.slice(0, MAX_CLIENT_TEXT) : 'unknown';
  };
  return { name: field('name'), version: field('version') };
}

function methodOf(message: JSONRPCMessage): string | undefined {
  return 'method' in message ? message.method : undefined;
}

function isCall(message: JSONRPCMessage): message is JSONRPCRequest {
  return 'method' in message && 'id' in message;
}

/**
 * notifications/initialized completes the handshake. So does any call but ping: some clients skip the
 * notification, and a session that is being used is not half open.
 */
function completesHandshake(message: JSONRPCMessage): boolean {
  if (methodOf(message) === 'notifications/initialized') return true;
  return isCall(message) && methodOf(message) !== 'ping';
}
