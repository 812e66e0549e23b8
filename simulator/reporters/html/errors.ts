import { formatMoment, grouped } from '../../judge/format.ts';
import type { RunResult } from '../../result.ts';
import { html, type Markup } from './markup.ts';
import { dataTable } from './table.ts';

/** Failed requests by what they were and how they failed. */
export function errorsTable({ errorGroups, metrics }: RunResult): Markup | undefined {
  const requests = metrics.rates.mcp_request_errors;
  const classes = Object.entries(metrics.errors);
  if (errorGroups === undefined && classes.length === 0 && requests === undefined) return undefined;
  const share = requests && `${grouped(requests.hits)} of ${grouped(requests.total)} requests failed.`;
  if ((errorGroups ?? []).length === 0 && classes.length === 0)
    return html`<p>${share ?? 'No request failed.'}</p>`;
  // Results of older versions have the classes alone.
  if (errorGroups === undefined || errorGroups.length === 0) {
    return html`${share !== undefined && html`<p>${share}</p>`}${dataTable(
      'Errors by class',
      [{ head: 'Class' }, { head: 'Count', isNumber: true }],
      classes.map(([name, n]) => [name, grouped(n)]),
    )}`;
  }
  return html`${share !== undefined && html`<p>${share}</p>`}${dataTable(
    'Errors by method and class',
    [
      { head: 'Method' },
      { head: 'Class' },
      { head: 'Count', isNumber: true },
      { head: 'First', isNumber: true },
      { head: 'Last', isNumber: true },
      { head: 'First seen by' },
      { head: 'What was said' },
    ],
    errorGroups.map((group) => [
      html`<code>${group.method}</code>`,
      group.class,
      grouped(group.count),
      formatMoment(group.firstAt),
      formatMoment(group.lastAt),
      group.who,
      html`<span class="said">${group.said}</span>`,
    ]),
  )}`;
}
