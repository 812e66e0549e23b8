import type { Cancel, Clock } from './clock/clock.ts';
import type { Ledger } from './judge/ledger.ts';
import type { Recorder } from './recorder.ts';
import { RequestError } from './run-request.ts';
import { formatDuration } from './scenario/duration.ts';
import type { PlannedEvent } from './scenario/plan.ts';
import type { Target, TargetExit } from './targets/target.ts';

/** How a target ended that is not coming back, ms on the run's clock. */
export interface SeenExit {
  readonly at: number;
  readonly exit: TargetExit;
}

export interface TimelineParts {
  readonly clock: Clock;
  readonly target: Target;
  readonly recorder: Recorder;
  readonly ledger: Ledger;
  /** Absent in real time: nobody steps the clock of the machine for a test. */
  readonly stepWallClock: ((ms: number) => void) | undefined;
  /** How long a target that is told to end may take, ms. */
  readonly endsWithinMs: number;
}

/** Carries out the events of a scenario, one after another, and sees how the target ends. */
export class Timeline {
  /** Resolves when the target has ended and will not come back, whether it was told to or not. */
  readonly ended: Promise<void>;
  /** Set when `ended` resolves. */
  exit: SeenExit | undefined;
  /** When the target was first told to end for good. */
  signalledAt: number | undefined;
  /** Set when it did not end although it was told to restart. */
  stuck: string | undefined;
  readonly #events: readonly PlannedEvent[];
  readonly #parts: TimelineParts;
  readonly #end: () => void;
  readonly #stop = new AbortController();
  #cancels: Cancel[] = [];
  /** It is ending, or has ended, because an event says so, and another event may start it again. */
  #isTold = false;

  /** @throws RequestError when this target cannot be done to what the events ask for */
  constructor(events: readonly PlannedEvent[], parts: TimelineParts) {
    for (const event of events) checkPower(event, parts);
    this.#events = events;
    this.#parts = parts;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
    this.#watchExit();
  }

  /** Whether the target is told to end for good: by a signal, or by a kill that no restart follows. */
  get endsTarget(): boolean {
    const last = this.#events.findLast(({ kind }) => kind === 'kill' || kind === 'restart');
    return last?.kind === 'kill' || this.#events.some(({ kind }) => kind === 'signal');
  }

  /** When the last event is due, since the run began, ms. */
  get lastAtMs(): number {
    return Math.max(0, ...this.#events.map(({ atMs }) => atMs));
  }

  /** Begins. Resolves when the last event has been carried out; rejects when the target does not come up again. */
  run(): Promise<void> {
    const { clock } = this.#parts;
    let carriedOut = Promise.resolve();
    const due = this.#events.map((event) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#cancels.push(clock.at(event.atMs, resolve));
      return { event, promise };
    });
    for (const { event, promise } of due) {
      carriedOut = Promise.all([carriedOut, promise]).then(() => this.#carryOut(event));
    }
    // A failure is told to whoever waits for the last event; until then it is nobody's to handle.
    carriedOut.catch(() => undefined);
    return carriedOut;
  }

  /** Calls off what has not happened yet. */
  stop(): void {
    for (const cancel of this.#cancels) cancel();
    this.#cancels = [];
    // A pause that is under way ends with it.
    this.#stop.abort();
  }

  async #carryOut(event: PlannedEvent): Promise<void> {
    if (this.exit || this.#stop.signal.aborted) return;
    const { clock, target, recorder, stepWallClock } = this.#parts;
    switch (event.kind) {
      case 'signal':
        this.signalledAt ??= clock.now();
        recorder.targetEvent({ kind: 'signalled', at: clock.now(), signal: event.signal });
        target.signal?.(event.signal);
        return;
      case 'kill':
        return this.#kill(event);
      case 'restart':
        return this.#restart();
      case 'pause':
        return this.#pause(event.pauseMs);
      case 'clock-jump':
        stepWallClock?.(event.jumpMs);
        recorder.note('clock-jumped', clock.now(), { jumpMs: event.jumpMs });
        return;
    }
  }

  async #kill(event: PlannedEvent): Promise<void> {
    const { clock, target, recorder } = this.#parts;
    if (this.#isTold) return;
    this.#isTold = true;
    recorder.outage('killed', clock.now());
    const life = target.exited;
    target.kill?.();
    const exit = await life;
    const comesBack = this.#events.slice(this.#events.indexOf(event)).some(({ kind }) => kind === 'restart');
    if (exit && !comesBack) this.#over(exit);
  }

  async #restart(): Promise<void> {
    const { clock, target, recorder } = this.#parts;
    if (!this.#isTold) {
      this.#isTold = true;
      recorder.outage('restarting', clock.now());
      const life = target.exited;
      target.signal?.('SIGTERM');
      await this.#endOf(life);
    }
    if (this.#stop.signal.aborted) return;
    await target.start?.();
    this.#isTold = false;
    this.#watchExit();
    recorder.outageOver('started', clock.now());
  }

  /** Waits for the end of a target that was told to end, and makes it end when it takes too long. */
  async #endOf(life: Promise<TargetExit> | undefined): Promise<void> {
    const { clock, target, endsWithinMs } = this.#parts;
    const toldAt = clock.now();
    const giveUp = new AbortController();
    const patience = AbortSignal.any([giveUp.signal, this.#stop.signal]);
    const tooLong = clock.sleep(endsWithinMs, patience).then(
      () => true,
      () => false,
    );
    const isLate = await Promise.race([tooLong, life?.then(() => false)]);
    giveUp.abort();
    if (isLate !== true) return;
    this.stuck ??= `told to restart at ${formatDuration(toldAt)}, it still ran after ${formatDuration(endsWithinMs)} and was killed`;
    target.kill?.();
    await life;
  }

  async #pause(pauseMs: number): Promise<void> {
    const { clock, target, recorder, ledger } = this.#parts;
    // Its timers are late by as much, and what it would have noticed it notices later.
    ledger.widenEpsilon(pauseMs);
    recorder.outage('paused', clock.now());
    target.pause?.();
    await clock.sleep(pauseMs, this.#stop.signal).catch(() => undefined);
    target.resume?.();
    recorder.outageOver('resumed', clock.now());
  }

  #watchExit(): void {
    const { clock, target, recorder } = this.#parts;
    void target.exited?.then((exit) => {
      recorder.targetEvent({ kind: 'exited', at: clock.now(), code: exit.code });
      if (!this.#isTold) this.#over(exit);
    });
  }

  #over(exit: TargetExit): void {
    this.exit = { at: this.#parts.clock.now(), exit };
    this.#end();
  }
}

/** An event that a target is not ours to suffer would be left out without a word. */
function checkPower({ kind, atMs }: PlannedEvent, { target, stepWallClock }: TimelineParts): void {
  const isPossible = {
    // Somebody else may send it: then the checks say what could not be observed.
    signal: true,
    restart: target.start !== undefined,
    kill: target.kill !== undefined,
    pause: target.pause !== undefined,
    'clock-jump': stepWallClock !== undefined,
  }[kind];
  if (isPossible) return;
  const where = `The scenario has a ${kind} at ${formatDuration(atMs)}`;
  if (kind === 'clock-jump')
    throw new RequestError(`${where}: only virtual mode has a wall clock to step. Use --mode virtual.`);
  const isOurs = target.signal !== undefined;
  throw new RequestError(
    isOurs
      ? `${where}: a target in this process cannot be paused, it would stop the simulator, too. Use --mode real.`
      : `${where}: ${target.name} is not ours to ${kind}. Start it with --command or --module instead of --target.`,
  );
}
