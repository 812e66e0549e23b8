import { grouped } from '../../judge/format.ts';
import type { RunResult } from '../../result.ts';
import { html, type Markup } from './markup.ts';
import { chart, LEFT, rect, WIDTH } from './svg.ts';
import { dataTable } from './table.ts';

/** One way in which opened sessions ended. */
interface End {
  readonly series: string;
  readonly name: string;
  readonly n: number;
  readonly says: string;
}

/** The account of sessions, shown to add up. Undefined where none was attempted. */
export function sessionsBalance(result: RunResult): Markup | undefined {
  const { sessions } = result;
  if (sessions.attempted === 0) return undefined;
  const ends = endsOf(result);
  const sum = ends.reduce((total, { n }) => total + n, 0);
  const isBalanced = sum === sessions.opened;
  const terms = ends.filter(({ n }) => n > 0).map(({ n, name }) => `${grouped(n)} ${name}`);
  const equation = `opened ${grouped(sessions.opened)} = ${terms.length === 0 ? '0' : terms.join(' + ')}`;
  return html`<p class="equation">attempted ${grouped(sessions.attempted)} = opened ${grouped(sessions.opened)} + refused ${grouped(sessions.refused)} + unknown ${grouped(sessions.unknown)}</p>
<p class="equation">${equation}${!isBalanced && html` <strong>does not add up: ${grouped(sum)}</strong>`}</p>
${sum > 0 && bar(ends, sum, equation)}
${dataTable(
  'How the opened sessions ended',
  [{ head: 'End' }, { head: 'Sessions', isNumber: true }, { head: 'Meaning' }],
  [
    ...ends.map(({ name, n, says }) => [name, grouped(n), says]),
    ['sum', grouped(sum), isBalanced ? 'all that were opened' : `of ${grouped(sessions.opened)} opened`],
  ],
)}`;
}

function endsOf({ sessions, otherEnds }: RunResult): End[] {
  const deleted: End = {
    series: 'end-a',
    name: 'deleted',
    n: sessions.deleted,
    says: 'DELETE was answered 2xx',
  };
  const live: End = {
    series: 'end-e',
    name: 'live at the end',
    n: sessions.liveAtEnd,
    says: 'still tolerated when the run was over',
  };
  if (otherEnds === undefined) {
    const rest = Math.max(0, sessions.opened - sessions.deleted - sessions.liveAtEnd);
    return [
      deleted,
      { series: 'end-b', name: 'ended otherwise', n: rest, says: 'by the target, or presumed' },
      live,
    ];
  }
  return [
    deleted,
    {
      series: 'end-b',
      name: 'no longer listed',
      n: otherEnds.unlisted,
      says: 'the target ended them: a look showed them gone',
    },
    {
      series: 'end-c',
      name: 'answered 404',
      n: otherEnds.notFound,
      says: 'the target ended them: a request was told so',
    },
    { series: 'end-d', name: 'went with the target', n: otherEnds.targetExit, says: 'its process ended' },
    {
      series: 'end-f',
      name: 'presumed',
      n: otherEnds.presumed,
      says: 'had to be gone by the end, and nobody saw them gone: leaked ones are among them',
    },
    live,
  ];
}

function bar(ends: readonly End[], sum: number, says: string): Markup {
  let x = 0;
  const parts = ends
    .filter(({ n }) => n > 0)
    .map(({ series, name, n }) => {
      const width = (n / sum) * (WIDTH - 2);
      const from = x;
      x += width;
      const label = `${grouped(n)} ${name}`;
      return html`<g class="${series}">${rect({ x: from + 1, y: 2, width: width - 2, height: 30 }, 'bar', label)}</g>${width > label.length * 7 + 16 && html`<text class="on-bar" x="${Math.round(from + 10)}" y="22">${label}</text>`}`;
    });
  return chart({ id: 'balance', title: 'Ends of opened sessions', says }, LEFT / 2, parts);
}
