import * as z from 'zod';

/** What a run did in a stretch of its time. */
export const PhaseSchema = z.object({
  kind: z.enum(['load', 'settle', 'drain']),
  /** From 1. */
  cycle: z.number().int().positive(),
  from: z.number(),
  to: z.number(),
});
export type Phase = z.infer<typeof PhaseSchema>;

/** Something that was done to the target, or befell it: `killed`, `restarting`, `SIGTERM`, `exited`, … */
export const MarkerSchema = z.object({ t: z.number(), what: z.string() });
export type Marker = z.infer<typeof MarkerSchema>;

/** The story of a run: phases one after another, and what happened at which moment. Clock of the run, ms. */
export const CourseSchema = z.object({ phases: z.array(PhaseSchema), markers: z.array(MarkerSchema) });
export type CourseOfRun = z.infer<typeof CourseSchema>;

/** Bands on a page; of a run with more cycles the first are kept. */
export const MAX_PHASES = 400;
export const MAX_MARKERS = 200;

/** Takes down phases as they begin, and moments as they come. */
export class Course {
  readonly #phases: Omit<Phase, 'to'>[] = [];
  readonly #markers: Marker[] = [];

  /** A phase begins, and the one before it ends. Saying so again changes nothing. */
  phase(kind: Phase['kind'], cycle: number, at: number): void {
    const last = this.#phases.at(-1);
    if (last?.kind === kind && last.cycle === cycle) return;
    if (this.#phases.length < MAX_PHASES) this.#phases.push({ kind, cycle, from: at });
  }

  mark(what: string, t: number): void {
    if (this.#markers.length < MAX_MARKERS) this.#markers.push({ t, what });
  }

  close(endMs: number): CourseOfRun {
    const phases = this.#phases.map((phase, index) => ({
      ...phase,
      to: this.#phases[index + 1]?.from ?? endMs,
    }));
    return { phases, markers: [...this.#markers] };
  }
}
