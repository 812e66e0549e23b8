import { type DestinationStream, pino } from 'pino';
import type { HubConfig } from './config.ts';
import type { HubError } from './errors.ts';
import type { Session } from './session.ts';

/**
 * One line per lifecycle event, as JSON. Names a session by its public fingerprint: ids are credentials and
 * bodies may hold anything, so neither is ever written.
 */
export class HubLogger {
  readonly #log: ReturnType<typeof pino>;

  constructor(level: HubConfig['logLevel'], destination: DestinationStream = pino.destination(1)) {
    this.#log = pino({ level, base: null, messageKey: 'event' }, destination);
  }

  listening(address: { host: string; port: number; url: string }): void {
    this.#log.info(address, 'listening');
  }

  sessionOpened(session: Session): void {
    const { fingerprint, clientInfo, protocolVersion } = session;
    this.#log.info({ session: fingerprint, client: clientInfo.name, protocolVersion }, 'session-opened');
  }

  sessionEnded(session: Session, reason: string): void {
    const ageMs = Math.round(performance.now() - session.createdAt);
    const inactiveMs = Math.round(performance.now() - session.lastActivity);
    this.#log.info({ session: session.fingerprint, reason, ageMs, inactiveMs }, 'session-ended');
  }

  streamOpened(fingerprint: string): void {
    this.#log.info({ session: fingerprint }, 'stream-opened');
  }

  streamEnded(fingerprint: string, reason: string): void {
    this.#log.info({ session: fingerprint, reason }, 'stream-ended');
  }

  /** Below the default level: clients that never learn that their session is gone send these for ever (F22). */
  refused(error: HubError, method: string): void {
    this.#log.debug({ code: error.code, status: error.status, method }, 'refused');
  }

  /** How often something was refused in the last minute. */
  refusals(kind: string, count: number): void {
    this.#log.warn({ kind, count }, 'refusals');
  }

  sweepSkipped(lateMs: number): void {
    this.#log.warn({ lateMs: Math.round(lateMs) }, 'sweep-skipped');
  }

  shutdown(
    phase: 'draining' | 'drained' | 'drain-deadline' | 'closed',
    counts: Record<string, number>,
  ): void {
    this.#log.info({ phase, ...counts }, 'shutdown');
  }

  problem(what: string, error: unknown): void {
    this.#log.error({ what, error: messageOf(error) }, 'problem');
  }

  /** So many kept sessions could not be taken up; the error is that of one of them. */
  notRestored(error: unknown, count: number): void {
    this.#log.error({ error: messageOf(error), count }, 'sessions-not-restored');
  }

  /** The session store failed so often since the last such line. */
  storeFailed(error: unknown, count: number): void {
    this.#log.error({ error: messageOf(error), count }, 'store-failed');
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
