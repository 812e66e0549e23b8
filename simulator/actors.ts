/** Who did something: one iteration of one virtual user. */
export interface Actor {
  readonly workload: string;
  readonly vu: number;
  readonly iteration: number;
  /** Where the iteration opens more than one session: which of them, from 2. */
  readonly nth?: number;
  /** A session beside those of the scenario, which the metrics do not count. */
  readonly isCanary?: true;
}

/** Who had which session, by number, in the order in which they were tried. */
export class Actors {
  readonly #all: Actor[] = [];

  add(actor: Actor): number {
    this.#all.push(actor);
    return this.#all.length - 1;
  }

  of(session: number): Actor | undefined {
    return this.#all[session];
  }

  /** `workload/vu#iteration`, as reports and logs name sessions; `….2` for its second session. */
  label(session: number): string {
    const actor = this.#all[session];
    if (!actor) return `session ${session}`;
    const { workload, vu, iteration, nth = 1 } = actor;
    return `${workload}/${vu}#${iteration}${nth > 1 ? `.${nth}` : ''}`;
  }
}
