import { parseDuration, resolveDuration } from './duration.ts';
import type { Finding } from './errors.ts';
import type { EventKind, ScenarioEvent, SIGNALS } from './event-schema.ts';

/** Something that happens to the target, `atMs` since the run began. */
export type PlannedEvent = { readonly atMs: number } & (
  | { readonly kind: 'signal'; readonly signal: (typeof SIGNALS)[number] }
  | { readonly kind: 'restart' }
  | { readonly kind: 'kill' }
  | { readonly kind: 'pause'; readonly pauseMs: number }
  | { readonly kind: 'clock-jump'; readonly jumpMs: number }
);

const NOTHING_PROMISED = { T: null, C: null, H: null, D: null };

export function planEvent(event: ScenarioEvent, atMs: number): PlannedEvent {
  if (event.signal !== undefined) return { atMs, kind: 'signal', signal: event.signal };
  if (event.kill !== undefined) return { atMs, kind: 'kill' };
  if (event.pause !== undefined) return { atMs, kind: 'pause', pauseMs: inMs(event.pause) };
  const jump = event['clock-jump'];
  if (jump === undefined) return { atMs, kind: 'restart' };
  const sign = jump.startsWith('-') ? -1 : 1;
  return { atMs, kind: 'clock-jump', jumpMs: sign * inMs(jump.slice(1)) };
}

/** Whether the target is told to end by a signal, and whether it is down for good in any other way. */
export function endsOf(events: readonly ScenarioEvent[]): { bySignal: boolean; byKill: boolean } {
  const kinds = events.map(kindOf);
  const last = kinds.findLast((kind) => kind === 'kill' || kind === 'restart');
  return { bySignal: kinds.includes('signal'), byKill: last === 'kill' };
}

/** What is wrong with events although each is right by itself. */
export function checkEventOrder(events: readonly ScenarioEvent[]): Finding[] {
  const signal = events.find(({ signal }) => signal !== undefined)?.signal;
  if (signal === undefined) return [];
  return events.flatMap((event, index) => {
    const kind = kindOf(event);
    if (kind !== 'restart' && kind !== 'kill') return [];
    const message = `${kind} and signal exclude each other: with ${signal} the run ends when the target has ended, and judges how (restart sends SIGTERM itself)`;
    return [{ path: ['events', index, kind], message, at: 'key' as const }];
  });
}

function kindOf(event: ScenarioEvent): EventKind {
  return planEvent(event, 0).kind;
}

function inMs(text: string): number {
  return resolveDuration(parseDuration(text), NOTHING_PROMISED);
}
