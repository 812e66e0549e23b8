import type { Client, Options } from 'autocannon';
import type { Shooter } from './shooter.ts';

/** How often autocannon looks whether its time is over, ms: its run ends that much later at most. */
const SAMPLE_MS = 100;
/** Connections in a row that broke without a single answer: the target is gone, and would be hammered for nothing. */
const MAX_BROKEN_IN_A_ROW = 1_000;

export interface Barrage {
  readonly endpoint: URL;
  /** One connection each. */
  readonly shooters: readonly Shooter[];
  readonly durationMs: number;
  /** Of all connections together; `null`: as fast as answers come. */
  readonly ratePerSecond: number | null;
  readonly timeoutMs: number;
  readonly stop: AbortSignal;
}

/** Lets autocannon send the requests of all shooters; resolves when its time is over or it is stopped. */
export async function fire({ endpoint, shooters, stop, ...barrage }: Barrage): Promise<void> {
  const { default: autocannon } = await import('autocannon');
  if (stop.aborted) return;
  const waiting = shooters.values();
  let brokenInARow = 0;
  const options: Options = {
    url: endpoint.href,
    method: 'POST',
    connections: shooters.length,
    duration: barrage.durationMs / 1_000,
    timeout: Math.max(1, Math.ceil(barrage.timeoutMs / 1_000)),
    pipelining: 1,
    sampleInt: SAMPLE_MS,
    skipAggregateResult: true,
    // With a rate, version 9 corrects its latencies wrongly; without one it refuses to be told not to. They are not
    // used anyway: each request is timed where it is sent.
    ...(barrage.ratePerSecond !== null && {
      overallRate: barrage.ratePerSecond,
      ignoreCoordinatedOmission: true,
    }),
    setupClient: (client) => {
      const { value: shooter } = waiting.next();
      if (!shooter) throw new Error('autocannon opened more connections than it was told to');
      equip(client, shooter, {
        broke: () => {
          brokenInARow += 1;
          if (brokenInARow > MAX_BROKEN_IN_A_ROW) instance.stop();
        },
        answered: () => {
          brokenInARow = 0;
        },
      });
    },
  };
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const instance = autocannon(options, (error: unknown) => (error ? reject(error) : resolve()));
  const onStop = () => instance.stop();
  stop.addEventListener('abort', onStop, { once: true });
  try {
    await promise;
  } finally {
    stop.removeEventListener('abort', onStop);
    for (const shooter of shooters) shooter.end();
  }
}

/** Called before the connection is opened, so that nothing on it goes unseen. */
function equip(client: Client, shooter: Shooter, on: { broke(): void; answered(): void }): void {
  // Its types know only some of its events.
  const events: NodeJS.EventEmitter = client;
  events.on('request', () => shooter.sent());
  events.on('timeout', () => shooter.timedOut());
  events.on('connError', (error: NodeJS.ErrnoException) => {
    on.broke();
    shooter.broke(error.code ?? 'unknown', error.message);
  });
  client.setRequests([
    {
      method: 'POST',
      headers: shooter.headers,
      setupRequest: (request) => ({ ...request, body: shooter.nextBody() }),
      onResponse: (status, body, _context, headers) => {
        on.answered();
        shooter.answered(status, lowerCased(headers ?? {}), body);
      },
    },
  ]);
}

function lowerCased(headers: NonNullable<NonNullable<Options['headers']>>): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(headers).map(([name, value]): [string, string] => [name.toLowerCase(), String(value)]),
  );
}
