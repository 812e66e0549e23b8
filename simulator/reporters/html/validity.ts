import type { Check, EvidenceClass } from '../../judge/check.ts';
import { formatLength, grouped } from '../../judge/format.ts';
import { strainWarnings } from '../../judge/strain.ts';
import { timingInvalidReason } from '../../judge/validity.ts';
import type { RunResult } from '../../result.ts';
import { html, type Markup } from './markup.ts';
import { dataTable } from './table.ts';
import { stateBadge } from './verdict.ts';

export interface Validity {
  readonly class: EvidenceClass;
  readonly tone: 'good' | 'unsure' | 'quiet';
  readonly word: string;
  readonly why: string;
}

const CLASSES: readonly EvidenceClass[] = ['timing', 'counts', 'protocol', 'memory'];

/** Whether what was measured can be trusted, for each class of evidence. */
export function validityOf(result: RunResult): Validity[] {
  return CLASSES.map((evidence) => ({ class: evidence, ...judge(evidence, result) }));
}

type Judged = Omit<Validity, 'class'>;

function judge(evidence: EvidenceClass, result: RunResult): Judged {
  const checks = result.checks.filter((check) => check.class === evidence);
  const invalid = checks.find(({ verdict }) => verdict === 'invalid');
  if (invalid !== undefined) return { tone: 'unsure', word: 'undecided', why: invalid.reason };
  if (evidence === 'timing') return timing(result, checks);
  if (evidence === 'memory') return memory(result, checks);
  if (checks.every(({ verdict }) => verdict === 'not-observable'))
    return notMeasured('nothing was judged by it');
  return { tone: 'good', word: 'valid', why: VALID[evidence] };
}

const VALID = {
  counts: 'Counts stand however busy the machine was.',
  protocol: 'Answers are right or wrong, whatever the time they took.',
} as const;

function timing({ generator, mode }: RunResult, checks: readonly Check[]): Judged {
  if (mode === 'virtual') return { tone: 'good', word: 'exact', why: 'Virtual time: nothing is ever late.' };
  if (generator.started === 0 && checks.length === 0) return notMeasured('no load was generated');
  const hasLimit = checks.some(({ verdict }) => verdict === 'pass' || verdict === 'fail');
  // Older results do not say it; then checks that were decided do.
  const reason = generator.timingInvalid ?? (hasLimit ? undefined : timingInvalidReason(generator, null));
  if (reason !== undefined)
    return { tone: 'unsure', word: 'not valid', why: `${sentence(reason)} No check depends on it.` };
  const lag = formatLength(generator.lagP99Ms);
  return { tone: 'good', word: 'valid', why: `The simulator sent its requests on time (p99 ${lag} late).` };
}

function memory({ leaks = [], series }: RunResult, checks: readonly Check[]): Judged {
  if (leaks.some(({ source, isPinned }) => source === 'heap' && !isPinned))
    return {
      tone: 'unsure',
      word: 'coarse',
      why: 'The heap was read while V8 was free to recompile: small growth may be its own.',
    };
  if (leaks.some(({ source }) => source === 'rss'))
    return {
      tone: 'unsure',
      word: 'coarse',
      why: 'Resident memory without a forced collection: an alarm, no proof.',
    };
  if (leaks.length > 0)
    return { tone: 'good', word: 'valid', why: 'Memory was read after forced collections, cycle by cycle.' };
  if (series.some(({ heapBytes }) => heapBytes !== undefined))
    return { tone: 'good', word: 'valid', why: 'The heap was read after forced collections.' };
  if (checks.length > 0 || series.some(({ rssBytes }) => rssBytes !== undefined))
    return { tone: 'quiet', word: 'coarse', why: 'Resident memory alone, without a forced collection.' };
  return notMeasured('the target was not looked at');
}

function notMeasured(why: string): Judged {
  return { tone: 'quiet', word: 'not measured', why: sentence(why) };
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function warnings({ strain, loopDelayP99Ms }: RunResult['generator']): string {
  const words = strain === undefined ? [] : strainWarnings(strain, loopDelayP99Ms);
  return words.length === 0 ? '' : ` ${sentence(words.join('; '))}`;
}

/** How hard the simulator's process and machine had it, and why arrivals were dropped. */
function strainFacts({ strain, model, dropCause }: RunResult['generator']): [string, string][] {
  const percent = (share: number | undefined) => `${Number(((share ?? 0) * 100).toFixed(1))} %`;
  const facts: [string, string | undefined][] = [
    ['load model', model],
    ['dropped because of', dropCause && `${dropCause.cause}: ${dropCause.why}`],
    ['event loop delay max', strain && formatLength(strain.loopDelayMaxMs)],
    ['event loop at work', strain && percent(strain.loopUtilisation)],
    ['CPU', strain && `${strain.cpuCores.toFixed(2)} cores`],
    [
      'tasks waiting for a CPU (PSI)',
      strain?.pressureShare === undefined ? undefined : percent(strain.pressureShare),
    ],
    ['CPU taken by the host', strain?.stealShare === undefined ? undefined : percent(strain.stealShare)],
  ];
  return facts.flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, value]]));
}

/** One line for the first screen. */
export function validityLine(result: RunResult): Markup {
  return html`<ul class="chips">${validityOf(result).map(
    (one) => html`<li><span class="chip-name">${one.class}</span> ${stateBadge(one.tone, one.word)}</li>`,
  )}</ul>`;
}

/** The box: each class and why, and how the simulator itself fared. */
export function validityBox(result: RunResult): Markup {
  const { generator, mode } = result;
  const classes = dataTable(
    'Validity by class of evidence',
    [{ head: 'Class' }, { head: 'State' }, { head: 'Why' }],
    validityOf(result).map((one) => [one.class, stateBadge(one.tone, one.word), one.why]),
  );
  if (generator.planned === 0 && generator.started === 0) return classes;
  const facts: [string, string][] = [
    ['planned', grouped(generator.planned)],
    ['started', grouped(generator.started)],
    ['dropped', grouped(generator.dropped)],
    ['sent late p50', formatLength(generator.lagP50Ms)],
    ['sent late p99', formatLength(generator.lagP99Ms)],
    ['sent late max', formatLength(generator.lagMaxMs)],
    [
      'event loop delay p99',
      generator.loopDelayP99Ms === null ? 'none: virtual time' : formatLength(generator.loopDelayP99Ms),
    ],
    ['failed for want of local files or ports', grouped(generator.localFailures)],
    ...strainFacts(generator),
  ];
  return html`${classes}<h3>The simulator itself</h3><p class="note">${mode === 'virtual' ? 'It shares a clock with the target, so that it cannot be late.' : 'When it is late, times are not held against the target.'}${warnings(generator)}</p><dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}
