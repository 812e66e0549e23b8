import type { Clock } from './clock/clock.ts';
import { type CanaryProbe, MAX_CANARIES, type Rung } from './judge/canary-ladder.ts';
import { doublingAges, estimateTimeout, finerAges, type TimeoutEstimate } from './judge/timeout-estimate.ts';

/** When something was asked of the target, and when it was answered; ms on the run's clock. */
export interface Asked {
  readonly sentAt: number;
  readonly doneAt: number;
}

/** How canaries are had. Neither function rejects for what the target does. */
export interface CanaryKeeper<Session> {
  /** Opens a session and leaves it alone: how long its last use took. undefined: the target gave none. */
  readonly open: () => Promise<{ readonly session: Session; readonly lastUse: Asked } | undefined>;
  /** Asks once whether it is still there. `isAlive` null: neither an answer nor a 404, which says nothing. */
  readonly probe: (session: Session) => Promise<Asked & { readonly isAlive: boolean | null }>;
}

export interface Climbed {
  readonly probes: readonly CanaryProbe[];
  /** Canaries that the target opened. */
  readonly opened: number;
}

/**
 * Opens one session per rung, leaves each alone, and asks each exactly once: a second question would find what the
 * first one kept alive. Waits as long as the highest rung, not their sum. `isEnough`: the canaries that are still
 * waiting need not be asked. When the signal aborts, what there is by then is returned.
 * @throws RangeError for more than MAX_CANARIES rungs
 */
export async function ladder<Session>(
  clock: Clock,
  keeper: CanaryKeeper<Session>,
  rungs: readonly Rung[],
  {
    signal,
    isEnough = () => false,
  }: { signal?: AbortSignal; isEnough?: (probes: readonly CanaryProbe[]) => boolean } = {},
): Promise<Climbed> {
  if (rungs.length > MAX_CANARIES) {
    throw new RangeError(`rungs: got ${rungs.length}, allowed: at most ${MAX_CANARIES}`);
  }
  const over = new AbortController();
  const onAbort = () => over.abort();
  if (signal?.aborted) over.abort();
  signal?.addEventListener('abort', onAbort, { once: true });
  const probes: CanaryProbe[] = [];
  let opened = 0;
  const climb = async ({ openAfterMs, ageMs }: Rung): Promise<void> => {
    if (openAfterMs > 0 && !(await waited(clock, openAfterMs, over.signal))) return;
    if (over.signal.aborted) return;
    const canary = await keeper.open();
    if (!canary) return;
    opened += 1;
    const { session, lastUse } = canary;
    if (!(await waited(clock, lastUse.doneAt + ageMs - clock.now(), over.signal))) return;
    const { sentAt, doneAt, isAlive } = await keeper.probe(session);
    if (isAlive === null) return;
    probes.push({ ageLoMs: sentAt - lastUse.doneAt, ageHiMs: doneAt - lastUse.sentAt, alive: isAlive });
    if (isEnough(probes)) over.abort();
  };
  try {
    await Promise.all(rungs.map(climb));
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
  return { probes, opened };
}

/** Rungs that are all begun at once, one for each age. */
export function rungsAt(agesMs: readonly number[]): Rung[] {
  return agesMs.map((ageMs) => ({ openAfterMs: 0, ageMs }));
}

export interface TimeoutSearch {
  /** How long the search may take in all, ms. */
  readonly budgetMs: number;
  /** The first age asked at, ms. */
  readonly firstMs?: number;
  /** Canaries of the second, finer ladder. */
  readonly rungs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Finds out after how long an unknown target ends sessions: ages that double, then a finer ladder between the last
 * alive and the first gone, if the budget allows for it. Takes at most three times the timeout, and the budget.
 */
export async function findTimeout<Session>(
  clock: Clock,
  keeper: CanaryKeeper<Session>,
  { budgetMs, firstMs = 1_000, rungs = 15, signal }: TimeoutSearch,
): Promise<TimeoutEstimate & { readonly probes: readonly CanaryProbe[] }> {
  const beganAt = clock.now();
  // Opened at once, they end at once: where one is gone the older ones are, too.
  const isEnough = (probes: readonly CanaryProbe[]) => probes.some(({ alive }) => !alive);
  const options = { isEnough, ...(signal && { signal }) };
  const first = await ladder(clock, keeper, rungsAt(doublingAges({ firstMs, budgetMs })), options);
  const coarse = estimateTimeout(first.probes);
  const ages = finerAges(coarse, { rungs });
  const isWithin = clock.now() - beganAt + (ages.at(-1) ?? 0) <= budgetMs;
  if (ages.length === 0 || !isWithin) return { ...coarse, probes: first.probes };
  const second = await ladder(clock, keeper, rungsAt(ages), options);
  const probes = [...first.probes, ...second.probes];
  return { ...estimateTimeout(probes), probes };
}

/** false: it was not waited to the end. */
async function waited(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  if (ms <= 0) return true;
  return clock.sleep(ms, signal).then(
    () => true,
    () => false,
  );
}
