import type { Check } from '../../judge/check.ts';
import { byUrgency } from '../headline.ts';
import { marginOf } from './margin.ts';
import { html, type Markup } from './markup.ts';
import { checkBadge } from './verdict.ts';

/** All checks, failed first; each with its evidence folded below it, open where something went wrong. */
export function checksTable(checks: readonly Check[]): Markup {
  if (checks.length === 0) return html`<p class="note">This run made no check.</p>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Checks"><table class="checks"><caption class="unseen">Checks, failed first</caption><thead><tr><th scope="col">Verdict</th><th scope="col">Check</th><th scope="col">Seen</th><th scope="col">Allowed</th><th scope="col">Margin</th><th scope="col">Rests on</th></tr></thead>${byUrgency(checks).map(row)}</table></div>`;
}

function row(check: Check): Markup {
  const isTrouble = check.verdict === 'fail' || check.verdict === 'no-data' || check.verdict === 'invalid';
  const more = details(check);
  return html`<tbody class="${isTrouble ? 'trouble' : 'fine'}"><tr><td>${checkBadge(check.verdict)}</td><th scope="row"><code>${check.name}</code></th><td>${check.observed}</td><td>${check.limit}</td><td>${marginOf(check) ?? '–'}</td><td>${check.class}</td></tr>${more !== undefined && html`<tr class="more"><td></td><td colspan="5">${check.verdict !== 'pass' && check.reason !== '' && html`<p class="reason">${check.reason}</p>`}<details${isTrouble && html` open`}><summary>${summaryOf(check)}</summary>${more}</details></td></tr>`}</tbody>`;
}

function summaryOf({ evidence, failureModes, clause }: Check): string {
  const parts = [
    ...(evidence.length > 0 ? ['evidence'] : []),
    ...(clause === undefined ? [] : ['clause']),
    ...(failureModes.length > 0 ? [`failure modes ${failureModes.join(' ')}`] : []),
  ];
  const text = parts.join(', ');
  return text === '' ? 'more' : `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

function details({
  demands,
  clause,
  remedy,
  evidence,
  failureModes,
  kind,
  reason,
  verdict,
}: Check): Markup | undefined {
  const rows: [string, Markup][] = [
    ...(evidence.length > 0
      ? [
          ['evidence', html`<ol class="evidence">${evidence.map((line) => html`<li>${line}</li>`)}</ol>`] as [
            string,
            Markup,
          ],
        ]
      : []),
    ...(demands === undefined ? [] : [['demands', html`${demands}`] as [string, Markup]]),
    ...(clause === undefined ? [] : [['demanded by', html`${clause}`] as [string, Markup]]),
    ...(remedy === undefined ? [] : [['how others mended it', html`${remedy}`] as [string, Markup]]),
    ...(failureModes.length > 0 ? [['looks for', html`${failureModes.join(' ')}`] as [string, Markup]] : []),
  ];
  if (rows.length === 0 && (verdict === 'pass' || reason === '')) return undefined;
  rows.push(['kind', html`${kind}`]);
  return html`<dl class="details">${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}
