import type { Clock } from './clock/clock.ts';
import type { Target } from './targets/target.ts';
import type { Wall } from './world.ts';

/** Where an audit takes place. */
export interface AuditWorld {
  readonly clock: Clock;
  readonly target: Target;
  readonly wall: Wall;
  /** What the machine may be late by, ms. */
  readonly toleranceMs: number;
  readonly stepWallClock?: (ms: number) => void;
}
