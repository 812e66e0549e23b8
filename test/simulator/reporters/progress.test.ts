import { Writable } from 'node:stream';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { VirtualTime } from '../../../simulator/clock/virtual.ts';
import { type Progress, ProgressReporter } from '../../../simulator/reporters/progress.ts';

let time: VirtualTime;
beforeEach(() => {
  // The reporter takes whatever time there is when it is made.
  time = new VirtualTime();
});
afterEach(() => time.uninstall());

class Screen extends Writable {
  readonly isTTY: boolean;
  text = '';

  constructor(isTTY: boolean) {
    super({ decodeStrings: false });
    this.isTTY = isTTY;
  }

  override _write(chunk: string, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk;
    done();
  }
}

const STATE: Progress = {
  scenario: 'churn',
  mode: 'real',
  phase: 'load',
  now: 1_500,
  started: 1_200,
  planned: 5_000,
  observed: 345,
};

const CLEAR = '\r\u001b[2K';

/** Tells the reporter ten times a second, for so long. */
function tellFor(ms: number, reporter: ProgressReporter): Promise<void> {
  return time.drive(async () => {
    for (let at = 0; at < ms; at += 100) {
      await time.clock.sleep(100);
      reporter.update({ ...STATE, now: time.clock.now() });
    }
  });
}

it('says what runs, where it is, and what is on the target', async () => {
  const screen = new Screen(false);
  await tellFor(10_000, new ProgressReporter(screen));
  expect(screen.text).toBe(
    '  … churn (real): load at 10 s, 1,200 of 5,000 sessions started, 345 on the target\n',
  );
});

it('leaves out what it does not know', async () => {
  const screen = new Screen(true);
  const reporter = new ProgressReporter(screen);
  await time.drive(() => time.clock.sleep(1_000));
  reporter.update({ ...STATE, observed: undefined });
  expect(screen.text).toBe(`${CLEAR}  … churn (real): load at 1.5 s, 1,200 of 5,000 sessions started`);
});

it('writes a line every ten seconds where there is no terminal', async () => {
  const screen = new Screen(false);
  const reporter = new ProgressReporter(screen);
  await tellFor(35_000, reporter);
  reporter.clear();
  expect(screen.text.split('\n').map((line) => /at (.*?),/.exec(line)?.[1] ?? line)).toEqual([
    '10 s',
    '20 s',
    '30 s',
    '',
  ]);
  expect(screen.text).not.toContain('\u001b');
});

it('draws one line over and over on a terminal, five times a second, and wipes it away', async () => {
  const screen = new Screen(true);
  const reporter = new ProgressReporter(screen);
  await tellFor(1_000, reporter);
  expect(screen.text.split(CLEAR)).toHaveLength(6);
  expect(screen.text).not.toContain('\n');
  screen.text = '';
  reporter.clear();
  reporter.clear();
  expect(screen.text).toBe(CLEAR);
});

it('says nothing of a run that is over in a moment', async () => {
  const screen = new Screen(true);
  const reporter = new ProgressReporter(screen);
  await tellFor(100, reporter);
  reporter.clear();
  expect(screen.text).toBe('');
});
