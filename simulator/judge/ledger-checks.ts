import { type Check, MAX_EVIDENCE, type Verdict } from './check.ts';
import { formatCount, formatLength, formatMoment, grouped } from './format.ts';
import type { BookRow, Finding, FindingList, LedgerReport } from './ledger-report.ts';
import type { Policy } from './policy.ts';
import { ruleOfThree } from './rule-of-three.ts';

export interface LedgerCheckContext {
  /** How reports name a session: by workload, VU and iteration, never by its id. */
  readonly label: (session: number) => string;
  /** What the target offers; without it, what the samples showed. */
  readonly source?: 'listing' | 'counts' | 'none';
}

/** Judges the ledger's findings. `returns_to_zero` only where the run had cycles; the other checks always. */
export function judgeLedger(report: LedgerReport, policy: Policy, context: LedgerCheckContext): Check[] {
  const judge = { report, policy, label: context.label, source: context.source ?? seenSource(report) };
  const checks = [notLost(judge), notLeaked(judge), reapLag(judge), booksBalance(judge), capHeld(judge)];
  return report.cycles.total > 0 ? [...checks, returnsToZero(judge)] : checks;
}

interface Judge {
  readonly report: LedgerReport;
  readonly policy: Policy;
  readonly label: (session: number) => string;
  readonly source: 'listing' | 'counts' | 'none';
}

type Found = Pick<Check, 'verdict' | 'observed' | 'limit'> & { reason?: string; evidence?: string[] };

function notLost({ report, label, source }: Judge): Check {
  const { lost, judged } = report;
  return check('sessions_not_lost', ['F12', 'F13', 'F15', 'F16', 'F17'], {
    ...noneOf(lost, judged.held, 'early-kill rate', { report, label }),
    ...(lost.total === 0 &&
      unseen({ report, source, seen: judged.held, what: 'session while it had to live' })),
  });
}

function notLeaked({ report, policy, label, source }: Judge): Check {
  // A session that was looked for and one that was asked is the same session.
  const seen = Math.max(report.judged.ended, report.probesNotFound);
  const isEndless = policy.sessionTimeoutMs === null && policy.handshakeTimeoutMs === null;
  return check('sessions_not_leaked', ['F01', 'F02', 'F04', 'F05', 'F08'], {
    ...noneOf(report.leaked, seen, 'leak rate', { report, label }),
    ...(report.leaked.total === 0 &&
      unseen({
        report,
        source,
        seen,
        what: 'session after it had to end',
        ...(isEndless && { why: 'the policy promises no end, and no session was ended by DELETE' }),
      })),
  });
}

function reapLag({ report, policy, label, source }: Judge): Check {
  const { early, late, certified, tooCoarse, inTime, maxHiMs, wrong } = report.reapLag;
  const ended = early + late + certified + tooCoarse;
  const found: Found = {
    verdict: wrong.total > 0 ? 'fail' : inTime > 0 ? 'pass' : 'invalid',
    observed: `${grouped(early)} early, ${grouped(late)} late of ${formatCount(ended, 'session')}${
      tooCoarse === 0 ? '' : `, ${grouped(tooCoarse)} too coarse to say`
    }${maxHiMs === null ? '' : `, at most ${formatLength(maxHiMs)} after the last use`}`,
    limit: '0 early, 0 late',
    evidence: lines(wrong, label),
  };
  if (found.verdict === 'fail') found.reason = first(wrong, label);
  if (found.verdict === 'invalid')
    found.reason = 'samples were too far apart to show any session gone in time';
  const isPromised = policy.sessionTimeoutMs !== null || policy.handshakeTimeoutMs !== null;
  const isVisible = source === 'listing' && isPromised;
  const why = isPromised ? 'it takes a listing to see when each session ends' : 'the policy promises no time';
  return check('reap_lag', ['F01', 'F12', 'F15'], {
    ...voided(found, report),
    // One late probe per session is no listing: it shows that they went, not when.
    ...((ended === 0 || (source !== 'listing' && found.verdict === 'invalid')) &&
      nothing(isVisible ? 'no-data' : 'not-observable', isVisible ? 'no session ended by itself' : why)),
  });
}

function booksBalance({ report }: Judge): Check {
  const broken = report.books.filter((row) => !isBalanced(row));
  const isPublished = report.books.some(
    (row) => row.name.endsWith('by the target') || row.name.includes('drift'),
  );
  const found: Found = {
    verdict: broken.length > 0 ? 'fail' : 'pass',
    observed: `${grouped(broken.length)} of ${formatCount(report.books.length, 'row')} out of balance`,
    limit: '0',
    evidence: broken.slice(0, MAX_EVIDENCE).map(describeRow),
  };
  const worst = broken[0];
  if (worst) found.reason = describeRow(worst);
  const isEmpty = report.attempts.begun === 0;
  return check('books_balance', ['F02', 'F03', 'F05'], {
    ...found,
    ...(broken.length === 0 && !isPublished && nothing('not-observable', 'the target publishes no counters')),
    ...(broken.length === 0 && isEmpty && nothing('no-data', 'no session was attempted')),
  });
}

function returnsToZero({ report, label }: Judge): Check {
  const { total, unsettled, notZero } = report.cycles;
  const settled = total - unsettled;
  const found: Found = {
    verdict: notZero.total > 0 ? 'fail' : 'pass',
    observed: `${grouped(notZero.total)} of ${formatCount(settled, 'cycle')} ended with sessions left`,
    limit: '0',
    evidence: lines(notZero, label),
  };
  if (notZero.total > 0) found.reason = first(notZero, label);
  return check('returns_to_zero', ['F01', 'F05'], {
    ...voided(found, report),
    ...(settled === 0 && nothing('invalid', 'every cycle ended before the policy lets its sessions go')),
    ...(!report.foreign.isSteady && nothing('invalid', FOREIGN)),
  });
}

function capHeld({ report, policy, label }: Judge): Check {
  const { most, refusedWhenFull, exceeded, refusedWrongly } = report.cap;
  const cap = policy.maxSessions;
  const worst = exceeded.total > 0 ? exceeded : refusedWrongly;
  const isReached = refusedWhenFull > 0 || (cap !== null && most >= cap);
  const found: Found = {
    verdict: worst.total > 0 ? 'fail' : 'pass',
    observed: `at most ${formatCount(most, 'session')}, ${grouped(refusedWhenFull)} refused while full, ${grouped(refusedWrongly.total)} wrongly`,
    limit: cap === null ? 'none promised' : `<= ${formatCount(cap, 'session')}, 0 refused wrongly`,
    reason: worst.total > 0 ? first(worst, label) : '',
    evidence: [...lines(exceeded, label), ...lines(refusedWrongly, label)].slice(0, MAX_EVIDENCE),
  };
  return check('cap_held', ['F23', 'F45', 'F46', 'F47'], {
    ...found,
    ...(worst.total === 0 && !isReached && nothing('no-data', 'the cap was never reached')),
    ...(cap === null && nothing('not-observable', 'the policy promises no cap')),
  });
}

const FOREIGN = 'sessions of others came or went on the target during the run';

/** `0 of 500 sessions (early-kill rate <= 0.6 % at 95 %)`. */
function noneOf(
  found: FindingList,
  seen: number,
  rate: string,
  { report, label }: Pick<Judge, 'report' | 'label'>,
): Found {
  const of = `${grouped(found.total)} of ${formatCount(Math.max(seen, found.total), 'session')}`;
  if (found.total === 0) {
    return { verdict: 'pass', observed: `${of} (${rate} <= ${ruleOfThree(seen)} % at 95 %)`, limit: '0' };
  }
  const evidence = lines(found, label);
  return voided({ verdict: 'fail', observed: of, limit: '0', reason: first(found, label), evidence }, report);
}

/** Why nothing can be said, if nothing can. */
function unseen({
  report,
  source,
  seen,
  what,
  why,
}: {
  report: LedgerReport;
  source: Judge['source'];
  seen: number;
  what: string;
  why?: string;
}): Partial<Found> {
  const { listed, counted, partial } = report.samples;
  if (source === 'none' && seen === 0) {
    return nothing('not-observable', 'the target neither lists nor counts its sessions');
  }
  if (report.attempts.opened === 0) return nothing('no-data', 'no session was opened');
  if (listed + counted + partial === 0 && seen === 0)
    return nothing('no-data', 'no sample of the target was taken');
  if (!report.foreign.isSteady && listed === 0) return nothing('invalid', FOREIGN);
  if (seen > 0) return {};
  return why ? nothing('not-observable', why) : nothing('no-data', `no look at the target saw a ${what}`);
}

/** An accusation is void if events reached the ledger after the look that they should have explained. */
function voided(found: Found, { lateEvents }: LedgerReport): Found {
  if (found.verdict !== 'fail' || lateEvents === 0) return found;
  const late = `${formatCount(lateEvents, 'event')} reached the ledger later than a sample that they precede`;
  return { ...found, verdict: 'invalid', reason: late };
}

function nothing(verdict: Verdict, reason: string): Partial<Found> {
  return { verdict, reason };
}

function check(name: string, failureModes: string[], found: Found): Check {
  return { name, kind: 'invariant', class: 'counts', failureModes, reason: '', evidence: [], ...found };
}

function lines({ first }: FindingList, label: Judge['label']): string[] {
  return first.slice(0, MAX_EVIDENCE).map((finding) => describe(finding, label));
}

function first(findings: FindingList, label: Judge['label']): string {
  return lines(findings, label)[0] ?? '';
}

function describe({ session, fromMs, toMs, byMs, why }: Finding, label: Judge['label']): string {
  const who = session === null ? 'a session' : label(session);
  const when = fromMs === toMs ? formatMoment(toMs) : `${formatMoment(fromMs)} to ${formatMoment(toMs)}`;
  return `${who}, ${when}: ${why}${byMs === null ? '' : ` (by ${formatLength(byMs)})`}`;
}

function describeRow({ name, observed, atLeast, atMost }: BookRow): string {
  const bounds =
    atLeast === atMost
      ? `must be ${grouped(atLeast ?? 0)}`
      : `must be ${atLeast === null ? 'any number' : `at least ${grouped(atLeast)}`}${atMost === null ? '' : `, at most ${grouped(atMost)}`}`;
  return `${name}: ${grouped(observed)}, ${bounds}`;
}

function isBalanced({ observed, atLeast, atMost }: BookRow): boolean {
  return observed >= (atLeast ?? observed) && observed <= (atMost ?? observed);
}

function seenSource({ samples }: LedgerReport): Judge['source'] {
  if (samples.listed > 0) return 'listing';
  return samples.counted + samples.partial > 0 ? 'counts' : 'none';
}
