import { afterEach, beforeEach } from 'vitest';
import { type HubOptions, loadConfig } from '../../hub/config.ts';
import { HubLogger } from '../../hub/logger.ts';
import type { McpServerLike } from '../../hub/session.ts';
import { SessionManager } from '../../hub/session-manager.ts';
import { SessionTransport } from '../../hub/transport.ts';
import { VirtualTime } from '../../simulator/clock/virtual.ts';
import { LIMITS, testResponse } from './exchange.ts';

const OPTIONS: HubOptions = {
  sessionTimeout: '1000ms',
  cleanupInterval: '100ms',
  handshakeTimeout: '300ms',
  clientTimeouts: 'patient=5s,hasty=200ms',
  maxSessions: 10,
  logLevel: 'info',
};

export let time: VirtualTime;
export let log: string[];

/** Gives each test of the file that calls this a time and a log of its own. */
export function eachInVirtualTime(): void {
  beforeEach(() => {
    time = new VirtualTime();
    log = [];
  });

  afterEach(() => time.uninstall());
}

export function newManager(options: HubOptions = {}): SessionManager {
  const logger = new HubLogger('info', { write: (line) => void log.push(line) });
  return new SessionManager(loadConfig({ ...OPTIONS, ...options }), logger);
}

interface Registered {
  readonly transport: SessionTransport;
  readonly closed: string[];
}

/** Registers a session whose handshake is done, unless told otherwise. */
export function register(
  manager: SessionManager,
  id: string,
  { name = 'test', isHandshakeDone = true, server }: Partial<RegisterOptions> = {},
): Registered {
  const closed: string[] = [];
  const transport = new SessionTransport({
    events: LIMITS,
    maxBufferedBytes: 10_000,
    sessionId: id,
    retryMs: 1_000,
    hooks: {
      callStarted: () => undefined,
      callEnded: () => manager.updateActivity(id),
      answerLeft: () => undefined,
      streamOpened: () => undefined,
      streamEnded: () => manager.updateActivity(id),
    },
  });
  transport.onclose = () =>
    void closed.push(`transport, session ${manager.hasSession(id) ? 'there' : 'gone'}`);
  const fallback: McpServerLike = {
    connect: async () => undefined,
    close: async () => void closed.push(`server, session ${manager.hasSession(id) ? 'there' : 'gone'}`),
  };
  manager.registerSession(id, {
    transport,
    server: server?.(transport) ?? fallback,
    clientInfo: { name, version: '1' },
    protocolVersion: '2025-11-25',
  });
  if (isHandshakeDone) manager.completeHandshake(id);
  return { transport, closed };
}

interface RegisterOptions {
  readonly name: string;
  readonly isHandshakeDone: boolean;
  readonly server: (transport: SessionTransport) => McpServerLike;
}

/** Lets so many milliseconds pass, with the sweeps that fall into them. */
export function pass(ms: number): Promise<void> {
  return time.drive(() => time.clock.sleep(ms));
}

const PING = { jsonrpc: '2.0', id: 'x', method: 'ping' } as const;

/** Puts a call in flight; `answer` ends it. */
export async function startCall(transport: SessionTransport, number: number) {
  const { response } = await testResponse();
  transport.receive({ messages: [PING], isBatch: false }, response);
  return { answer: () => transport.send({ jsonrpc: '2.0', id: number, result: {} }) };
}
