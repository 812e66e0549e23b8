import type { Clock } from './clock/clock.ts';
import type { GeneratorObserver } from './observers/generator.ts';
import type { Target } from './targets/target.ts';

/** What a run takes place in: a clock, and a target on it. */
export interface World {
  readonly clock: Clock;
  readonly target: Target;
  /** Absent in virtual time. */
  readonly generator: GeneratorObserver | undefined;
  readonly wall: Wall;
  /** Steps the wall clock by so many ms, and no other time. Absent in real time. */
  readonly stepWallClock?: (ms: number) => void;
}

/** The real world's time, for the record. */
export interface Wall {
  /** ISO 8601. */
  readonly startedAt: string;
  readonly elapsedMs: () => number;
}
