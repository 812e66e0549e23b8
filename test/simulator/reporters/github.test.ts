import { expect, it } from 'vitest';
import { renderAnnotations } from '../../../simulator/reporters/github.ts';
import { check, LEAKED, resultOf } from './results.ts';

it('names each failed check, with the command that makes the run again', () => {
  const checks = [
    check('reap_lag', 'pass'),
    LEAKED,
    check('calls_answered', 'no-data', { observed: 'none' }),
  ];
  expect(renderAnnotations(resultOf({ checks }))).toBe(
    [
      '::error title=mcp-soak abandon (virtual)%3A sessions_not_leaked::12 of 1,100 sessions, allowed 0: vanish/3#0 was still there at 372.000 s, 6 s after its last tolerated moment%0Aagain: npx mcp-soak run scenarios/abandon.yaml --mode virtual --seed 42\n',
      '::error title=mcp-soak abandon (virtual)%3A calls_answered::none, allowed 0%0Aagain: npx mcp-soak run scenarios/abandon.yaml --mode virtual --seed 42\n',
    ].join(''),
  );
});

it('says nothing of a run in which nothing failed', () => {
  expect(renderAnnotations(resultOf({ checks: [check('reap_lag', 'invalid'), check('x', 'pass')] }))).toBe(
    '',
  );
});

it('stops at ten, which is all that GitHub shows', () => {
  const checks = Array.from({ length: 12 }, (_, index) => check(`check_${index}`, 'fail'));
  expect(renderAnnotations(resultOf({ checks })).trimEnd().split('\n')).toHaveLength(10);
});

it('lets no text of a target begin a command of its own', () => {
  const reason = 'x\r\n::add-mask::y 100%';
  const text = renderAnnotations(resultOf({ checks: [check('a,b:c', 'fail', { reason })] }));
  expect(text).toContain('a%2Cb%3Ac::');
  expect(text).toContain('x%0D%0A::add-mask::y 100%25');
  expect(text.trimEnd().split('\n')).toHaveLength(1);
});
