import type { Verdict } from '../../judge/check.ts';
import type { RunVerdict } from '../../result.ts';
import { html, type Markup } from './markup.ts';

/** How a verdict looks: never by colour alone. */
interface Look {
  readonly word: string;
  readonly tone: 'good' | 'bad' | 'unsure' | 'quiet';
  /** Of an icon in a circle of 24 units. */
  readonly path: string;
}

const TICK = 'M7 12.5l3.5 3.5L17 9';
const CROSS = 'M8 8l8 8M16 8l-8 8';
const QUESTION = 'M9.2 9.6a2.8 2.8 0 1 1 4.4 2.3c-1 .7-1.6 1.2-1.6 2.3M12 17.2v.1';
const DASH = 'M8 12h8';
const EMPTY = 'M12 8a4 4 0 1 0 .01 0M7.5 16.5l9-9';

const CHECK_LOOKS: Record<Verdict, Look> = {
  fail: { word: 'fail', tone: 'bad', path: CROSS },
  'no-data': { word: 'no data', tone: 'bad', path: EMPTY },
  invalid: { word: 'undecided', tone: 'unsure', path: QUESTION },
  pass: { word: 'pass', tone: 'good', path: TICK },
  'not-observable': { word: 'not observable', tone: 'quiet', path: DASH },
};

const RUN_LOOKS: Record<RunVerdict, Look> = {
  pass: { word: 'PASS', tone: 'good', path: TICK },
  fail: { word: 'FAIL', tone: 'bad', path: CROSS },
  invalid: { word: 'INVALID', tone: 'unsure', path: QUESTION },
  aborted: { word: 'ABORTED', tone: 'unsure', path: DASH },
};

export function runTone(verdict: RunVerdict): Look['tone'] {
  return RUN_LOOKS[verdict].tone;
}

/** The verdict of the run, large. */
export function runBadge(verdict: RunVerdict): Markup {
  const { word, path } = RUN_LOOKS[verdict];
  return html`${icon(path)}<span class="word">${word}</span>`;
}

/** The verdict of a check, in a line. */
export function checkBadge(verdict: Verdict): Markup {
  return badge(CHECK_LOOKS[verdict]);
}

/** A state in words of its own. */
export function stateBadge(tone: Look['tone'], word: string): Markup {
  const path = { good: TICK, bad: CROSS, unsure: QUESTION, quiet: DASH }[tone];
  return badge({ word, tone, path });
}

function badge({ word, tone, path }: Look): Markup {
  return html`<span class="badge ${tone}">${icon(path)}${word}</span>`;
}

function icon(path: string): Markup {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><circle cx="12" cy="12" r="10.5"/><path d="${path}"/></svg>`;
}
