import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Implementation, RequestId } from '@modelcontextprotocol/sdk/types.js';

/** Why a session ended. */
export type EndReason = 'client' | 'idle' | 'handshake' | 'shutdown' | 'error';

export interface SessionParts {
  readonly transport: StreamableHTTPServerTransport;
  readonly server: McpServer;
  readonly clientInfo: Implementation;
}

/** One session. Times are `performance.now()`. */
export class SdkSession {
  readonly id: string;
  /** What may be shown of the id, which is a credential. */
  readonly fingerprint: string;
  /** Running number, in order of registration: the cursor of listings. */
  readonly number: number;
  readonly timeoutMs: number;
  readonly transport: StreamableHTTPServerTransport;
  readonly server: McpServer;
  readonly clientInfo: Implementation;
  readonly createdAt: number;
  lastActivity: number;
  isHandshakeDone = false;
  isEnded = false;
  /** The response of the open GET stream. */
  stream: ServerResponse | undefined;
  /** POSTs with calls in them that are not answered yet, and the ids of those calls. */
  readonly calls = new Map<ServerResponse, readonly RequestId[]>();

  constructor(id: string, number: number, timeoutMs: number, parts: SessionParts) {
    this.id = id;
    this.fingerprint = createHash('sha256').update(id).digest('hex').slice(0, 12);
    this.number = number;
    this.timeoutMs = timeoutMs;
    this.transport = parts.transport;
    this.server = parts.server;
    this.clientInfo = parts.clientInfo;
    this.createdAt = performance.now();
    this.lastActivity = this.createdAt;
  }

  touch(): void {
    this.lastActivity = performance.now();
  }

  /** Answers what is in flight with an error: the SDK's transport would end it with 200 and no result (F36). */
  async answerCalls(reason: EndReason): Promise<void> {
    const message = `The session ended before this call was done (${reason}).`;
    const ids = [...this.calls.values()].flat();
    // Settled, not all: a call may share its id with another, and the transport then knows only one of them.
    await Promise.allSettled(
      ids.map((id) => this.transport.send({ jsonrpc: '2.0', id, error: { code: -32000, message } })),
    );
  }
}
