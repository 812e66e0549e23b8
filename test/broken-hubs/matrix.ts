/** What became of one server. */
export interface Row {
  readonly subject: string;
  /** Of its defect; empty for a healthy server. */
  readonly failureMode: string;
  /** Check → where it was red. */
  readonly red: Readonly<Record<string, readonly string[]>>;
  /** Checks that look for the failure mode of the defect. */
  readonly caughtBy: readonly string[];
  /** The other red ones: what the defect brings with it. On a healthy server each of them is a false alarm. */
  readonly consequences: readonly string[];
  /** Scenarios that should have seen the defect, and did not. */
  readonly blind: readonly string[];
  readonly verdict: 'ok' | 'missed' | 'accused' | 'elsewhere';
  readonly note: string;
}

const MARKS: Record<Row['verdict'], string> = { ok: '✓', missed: '✗', accused: '✗', elsewhere: '–' };

/** One line for a terminal. */
export function renderRow(row: Row): string {
  const { subject, failureMode, verdict } = row;
  return `${MARKS[verdict]} ${failureMode.padEnd(4)}${subject.padEnd(36)}${said(row)}`;
}

/** All of it as a page of Markdown. */
export function renderMatrix(rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const { subject, failureMode, verdict, consequences } = row;
    const caught = said(row);
    return `| ${MARKS[verdict]} | ${failureMode} | ${subject} | ${caught} | ${failureMode === '' ? '' : consequences.join(', ')} |`;
  });
  return [
    '# Detection matrix',
    '',
    'Servers broken on purpose and healthy ones, and which checks turned red. Made by `npm run detect`.',
    '',
    '|     | looks for | server | caught by | red with it |',
    '| --- | --- | --- | --- | --- |',
    ...lines,
    '',
  ].join('\n');
}

function said({ failureMode, red, caughtBy, consequences, blind, verdict, note }: Row): string {
  const where = (check: string) => {
    const places = red[check] ?? [];
    return places.every((place) => place === 'audit') ? check : `${check} (${places.join(', ')})`;
  };
  if (verdict === 'elsewhere') return `shows elsewhere: ${note}`;
  if (verdict === 'missed') return blind.length === 0 ? 'MISSED' : `MISSED by ${blind.join(', ')}`;
  if (failureMode === '') {
    return consequences.length === 0
      ? 'accused of nothing'
      : `FALSE ALARM ${consequences.map(where).join('; ')}`;
  }
  return caughtBy.map(where).join('; ');
}
