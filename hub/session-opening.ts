import type { IncomingMessage } from 'node:http';
import type { JSONRPCRequest, MessageExtraInfo } from '@modelcontextprotocol/sdk/types.js';
import { HubError } from './errors.ts';
import type { Caller } from './identity.ts';
import type { HubLogger } from './logger.ts';
import { clientInfoOf } from './message-rules.ts';
import type { McpServerLike } from './session.ts';
import type { SessionManager } from './session-manager.ts';
import type { IncomingPost, SessionTransport } from './transport.ts';

export interface OpeningParts {
  readonly sessions: SessionManager;
  readonly logger: HubLogger;
  readonly createMcpServer: (sessionId: string) => McpServerLike;
}

/** What an initialize came on, and its answer goes back on. */
export interface Carrier {
  readonly isGone: boolean;
  /** Calls back once, when it is gone, with or without the answer. */
  onGone(callback: () => void): void;
  deliver(post: IncomingPost): void;
  /** The client has been told: that there is a session, or why there is none. */
  answered?(isOpen: boolean): void;
}

export interface Opening {
  readonly transport: SessionTransport;
  readonly message: JSONRPCRequest;
  readonly caller: Caller;
  readonly extra: MessageExtraInfo;
  readonly carrier: Carrier;
  /** Gives the slot back that is held for it. Idempotent. */
  readonly releaseSlot: () => void;
}

/**
 * Opens a session: an MCP server of its own, which answers its initialize.
 * @throws HubError INTERNAL when it took longer than the handshake may; what the MCP server throws
 */
export async function openSession(parts: OpeningParts, opening: Opening): Promise<void> {
  const { transport, carrier, releaseSlot } = opening;
  try {
    const server = parts.createMcpServer(transport.sessionId);
    await connectServer(server, transport, parts.logger, (callback) => carrier.onGone(callback));
    if (transport.isClosed || carrier.isGone) {
      closeServer(server, parts.logger);
      throw transport.isClosed ? tookTooLong() : clientLeft();
    }
    initialize(parts, opening, server);
  } catch (error) {
    releaseSlot();
    throw error;
  }
}

/**
 * Connects an MCP server, but waits for that only until its transport is ended: one that never comes to an end would
 * hold its slot for ever (F46). One that is given up is closed, and once more if it comes to an end after all.
 * `onGone` tells when nobody waits for it any more.
 */
export function connectServer(
  server: McpServerLike,
  transport: SessionTransport,
  logger: HubLogger,
  onGone?: (callback: () => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let isSettled = false;
    const giveUp = (error: unknown) => {
      if (isSettled) return;
      isSettled = true;
      closeServer(server, logger);
      reject(error);
    };
    transport.whenEnded(() => giveUp(tookTooLong()));
    onGone?.(() => giveUp(clientLeft()));
    server.connect(transport).then(() => {
      if (isSettled) closeServer(server, logger);
      isSettled = true;
      resolve();
    }, giveUp);
  });
}

const tookTooLong = () => new HubError('INTERNAL', { detail: 'The session took too long to open.' });
const clientLeft = () => new Error('The client left before its session was open.');

/** Not waited for: what an MCP server does when it is closed is no concern of its client. */
export function closeServer(server: McpServerLike, logger: HubLogger): void {
  server.close().catch((error: unknown) => logger.problem('server-close-failed', error));
}

/**
 * Lets the MCP server answer initialize. Only an answer with a result makes a session (F03); it is registered
 * in the same turn in which the answer is written, and takes the place of its slot in that turn: counted
 * twice, it would keep others out below the cap (F46). The slot is given back however this ends.
 */
function initialize(parts: OpeningParts, opening: Opening, server: McpServerLike): void {
  const { transport, message, caller, extra, carrier, releaseSlot } = opening;
  const { client, identity } = caller;
  const sessionId = transport.sessionId;
  let isRegistered = false;
  const register = (protocolVersion: string) => {
    releaseSlot();
    transport.protocolVersion = protocolVersion;
    const clientInfo = clientInfoOf(message);
    const owner = { client, identity, clientInfo, protocolVersion, initializeParams: message.params };
    parts.sessions.registerSession(sessionId, { transport, server, ...owner });
    isRegistered = true;
  };
  transport.whenEnded(() => {
    releaseSlot();
    parts.sessions.removeSession(sessionId, 'error');
  });
  carrier.onGone(() => {
    if (isRegistered) return;
    // Refused by the MCP server, or the client left before the answer: nobody knows this id.
    transport.end('error');
    closeServer(server, parts.logger);
  });
  carrier.deliver({
    messages: [message],
    isBatch: false,
    extra,
    headers: { 'mcp-session-id': sessionId },
    beforeAnswer: (answer, exchange) => {
      try {
        if ('result' in answer && exchange.isOpen) register(String(answer.result.protocolVersion));
      } catch (error) {
        parts.logger.problem('session-not-opened', error);
        throw error;
      } finally {
        // Nobody is told of a session that there is not.
        if (!isRegistered) delete exchange.headers['mcp-session-id'];
      }
    },
    afterAnswer: () => carrier.answered?.(isRegistered),
  });
}

/** What the MCP server is told of whoever sent a message. */
export function extraOf(request: IncomingMessage, { authInfo }: Caller): MessageExtraInfo {
  return { requestInfo: { headers: request.headers }, ...(authInfo && { authInfo }) };
}
