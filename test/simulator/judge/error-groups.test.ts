import { expect, it } from 'vitest';
import { ErrorGroups, MAX_ERROR_GROUPS } from '../../../simulator/judge/error-groups.ts';

const error = { method: 'tools/call', class: 'http_500', at: 5, said: 'broken', who: 'a/0#0' };

it('errors are grouped by method and class, with the first and the last', () => {
  const groups = new ErrorGroups();
  groups.add(error);
  groups.add({ ...error, at: 9, said: 'broken again', who: 'a/1#0' });
  groups.add({ ...error, class: 'timeout' });
  expect(groups.list()).toEqual([
    {
      method: 'tools/call',
      class: 'http_500',
      count: 2,
      firstAt: 5,
      lastAt: 9,
      said: 'broken',
      who: 'a/0#0',
    },
    { method: 'tools/call', class: 'timeout', count: 1, firstAt: 5, lastAt: 5, said: 'broken', who: 'a/0#0' },
  ]);
});

it('whatever a target says, there are no more groups than that', () => {
  const groups = new ErrorGroups();
  for (let n = 0; n < 1_000; n += 1) groups.add({ ...error, method: `m${n}` });
  const list = groups.list();
  expect(list).toHaveLength(MAX_ERROR_GROUPS);
  expect(list.reduce((sum, { count }) => sum + count, 0)).toBe(1_000);
  expect(list[0]?.method).toBe('(other)');
});

it('an id that a target repeats is left out: it is a credential', () => {
  const groups = new ErrorGroups();
  groups.add({
    ...error,
    said: `no session 5f0c3a9e-77aa-4d3b-9b1d-02f3f2a1c001, internationalization ${'x'.repeat(400)}`,
  });
  expect(groups.list()[0]?.said).toMatch(/^no session \(id\), internationalization x+…$/);
  expect(groups.list()[0]?.said.length).toBeLessThan(310);
});
