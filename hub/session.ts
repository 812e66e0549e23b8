import { fingerprint } from './fingerprint.ts';
import type { SessionTransport } from './transport.ts';

/** The part of an MCP server that the hub needs; the SDK's `Server` and `McpServer` both have it. */
export interface McpServerLike {
  connect(transport: SessionTransport): Promise<void>;
  close(): Promise<void>;
}

/** What a client said of itself in initialize. Untrusted text, cut to a length fit for logs. */
export interface ClientInfo {
  readonly name: string;
  readonly version: string;
}

export interface SessionParts {
  readonly transport: SessionTransport;
  readonly server: McpServerLike;
  readonly clientInfo: ClientInfo;
  readonly protocolVersion: string;
  /** Who opened it, as caps count clients. */
  readonly client?: string;
  /** Whose it is, where requests are authenticated: nobody else may use it. */
  readonly identity?: string | undefined;
  /** Parameters of its initialize: replayed when it is taken up by another process. */
  readonly initializeParams?: unknown;
}

/** One live session. Times are `performance.now()`: a step of the wall clock ends no session (F19). */
export class Session {
  readonly id: string;
  /** What may be shown of the id. */
  readonly fingerprint: string;
  /** Running number, in order of registration: the cursor of listings. */
  readonly number: number;
  readonly transport: SessionTransport;
  readonly server: McpServerLike;
  readonly clientInfo: ClientInfo;
  readonly protocolVersion: string;
  readonly client: string;
  readonly identity: string | undefined;
  readonly timeoutMs: number;
  readonly createdAt: number;
  lastActivity: number;
  /** The last that was heard of its client is that its stream was lost. */
  isStreamLost = false;
  /** Whether the client completed the handshake; until then the session is pending. */
  isHandshakeDone = false;

  constructor(id: string, number: number, timeoutMs: number, parts: SessionParts) {
    this.id = id;
    this.fingerprint = fingerprint(id);
    this.number = number;
    this.timeoutMs = timeoutMs;
    this.transport = parts.transport;
    this.server = parts.server;
    this.clientInfo = parts.clientInfo;
    this.protocolVersion = parts.protocolVersion;
    this.client = parts.client ?? 'unknown';
    this.identity = parts.identity;
    this.createdAt = performance.now();
    this.lastActivity = this.createdAt;
  }

  get callsInFlight(): number {
    return this.transport.callsInFlight;
  }

  get openStreams(): number {
    return this.transport.openStreams;
  }

  /** Whether it is busy, or its client listens: such a session is neither idle nor evicted. */
  get isInUse(): boolean {
    return this.callsInFlight > 0 || this.openStreams > 0;
  }
}
