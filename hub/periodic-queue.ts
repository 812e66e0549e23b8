/**
 * Calls back for each member about every `periodMs` and never later than that (the event loop permitting),
 * with one timer for all members however many there are. Adding and removing are O(1).
 *
 * Due times are rounded down to a sixteenth of the period, so that members added at many instants
 * are served at few. All have the same period, so insertion order is the order of due times.
 */
export class PeriodicQueue<Member> {
  readonly #periodMs: number;
  readonly #grainMs: number;
  readonly #serve: (member: Member) => void;
  readonly #dueAt = new Map<Member, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(periodMs: number, serve: (member: Member) => void) {
    this.#periodMs = periodMs;
    this.#grainMs = Math.max(1, periodMs / 16);
    this.#serve = serve;
  }

  add(member: Member): void {
    this.#dueAt.delete(member);
    this.#dueAt.set(member, this.#nextDue());
    this.#arm();
  }

  delete(member: Member): void {
    this.#dueAt.delete(member);
  }

  close(): void {
    this.#dueAt.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #nextDue(): number {
    return Math.floor((performance.now() + this.#periodMs) / this.#grainMs) * this.#grainMs;
  }

  #arm(): void {
    if (this.#timer !== undefined) return;
    const head = this.#dueAt.values().next();
    if (head.done) return;
    const delayMs = Math.max(1, Math.ceil(head.value - performance.now()));
    this.#timer = setTimeout(() => this.#serveDue(), delayMs);
    this.#timer.unref();
  }

  #serveDue(): void {
    this.#timer = undefined;
    const now = performance.now();
    const due: Member[] = [];
    for (const [member, dueAt] of this.#dueAt) {
      if (dueAt > now) break;
      due.push(member);
    }
    const nextDue = this.#nextDue();
    for (const member of due) {
      // Serving one member may remove another.
      if (!this.#dueAt.delete(member)) continue;
      this.#dueAt.set(member, nextDue);
      this.#serve(member);
    }
    this.#arm();
  }
}
