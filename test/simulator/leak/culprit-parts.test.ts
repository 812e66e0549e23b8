import { describe, expect, it } from 'vitest';
import { type ClassCounts, countClasses, growingClasses } from '../../../simulator/leak/class-growth.ts';
import { HeapGraph } from '../../../simulator/leak/heap-graph.ts';
import { Retainers } from '../../../simulator/leak/retainers.ts';
import { type SmallNode, smallHeap } from './small-heap.ts';

/** process → _events → SIGTERM, a closure over `zombies`, a Map of two transports; one more is held weakly only. */
const HEAP: readonly SmallNode[] = [
  {
    type: 'synthetic',
    name: '',
    holds: [
      ['element', 1, 1],
      ['property', 'process', 2],
    ],
  },
  { type: 'synthetic', name: '(GC roots)', holds: [['element', 0, 6]] },
  { type: 'object', name: 'process', holds: [['property', '_events', 3]] },
  { type: 'object', name: 'Object', holds: [['property', 'SIGTERM', 4]] },
  { type: 'closure', name: '', holds: [['internal', 'context', 5]] },
  { type: 'object', name: 'system / Context', holds: [['context', 'zombies', 6]] },
  { type: 'object', name: 'Map', holds: [['internal', 'table', 7]] },
  {
    type: 'array',
    name: '',
    holds: [
      ['internal', '1', 8],
      ['internal', '2', 9],
    ],
  },
  { type: 'object', name: 'Transport', bytes: 400, holds: [['weak', 'twin', 10]] },
  { type: 'object', name: 'Transport', bytes: 400 },
  { type: 'object', name: 'Transport', bytes: 400 },
];

describe('Retainers', () => {
  it('finds the way from the root that means something, by names', () => {
    const retainers = new Retainers(smallHeap(HEAP));
    expect(retainers.pathTo('Transport', 0)).toEqual([
      'process',
      '_events',
      'SIGTERM',
      'zombies (Map)',
      'Transport',
    ]);
  });

  it('knows no way to what is held weakly, is of no such class, or was there before', () => {
    const retainers = new Retainers(smallHeap(HEAP));
    expect(retainers.pathTo('Transport', 2 * 9 + 1)).toEqual([]);
    expect(retainers.pathTo('Session', 0)).toEqual([]);
  });

  it('shows of a linked list one step, and cuts what is long', () => {
    const list: SmallNode[] = [
      { type: 'synthetic', name: '', holds: [['property', 'app', 1]] },
      { type: 'object', name: 'App', holds: [['property', 'head', 2]] },
      ...Array.from(
        { length: 50 },
        (_, index): SmallNode => ({
          type: 'object',
          name: 'Leaked',
          holds: [['property', 'next', index + 3]],
        }),
      ),
      { type: 'object', name: 'Last' },
    ];
    expect(new Retainers(smallHeap(list)).pathTo('Last', 0)).toEqual([
      'App',
      'head (Leaked)',
      'next (Leaked)',
      'Last',
    ]);
    const names = Array.from({ length: 30 }, (_, index) => `step${index}`);
    const chain: SmallNode[] = [
      { type: 'synthetic', name: '', holds: [['property', 'app', 1]] },
      ...names.map(
        (name, index): SmallNode => ({
          type: 'object',
          name: 'Object',
          holds: [['property', name, index + 2]],
        }),
      ),
      { type: 'object', name: 'Last' },
    ];
    const path = new Retainers(smallHeap(chain)).pathTo('Last', 0);
    expect(path).toHaveLength(12);
    expect(path).toContain('…');
    expect(path.at(-1)).toBe('Last');
  });
});

describe('growingClasses', () => {
  const counts = (...entries: [name: string, count: number][]): ClassCounts =>
    new Map(entries.map(([name, count]) => [name, { count, bytes: count * 32 }]));

  it('takes what grew with the units in every interval, the exact and telling ones first', () => {
    const seen = [
      counts(['Object', 900], ['Transport', 2], ['(string)', 5_000], ['Cache', 100]),
      counts(['Object', 2_900], ['Transport', 22], ['(string)', 5_020], ['Cache', 120]),
      counts(['Object', 4_900], ['Transport', 42], ['(string)', 5_041], ['Cache', 120]),
      counts(['Object', 6_900], ['Transport', 62], ['(string)', 5_061], ['Cache', 120]),
    ];
    const growing = growingClasses(seen, 20);
    expect(growing.map(({ className, counts, isExact }) => [className, counts, isExact])).toEqual([
      ['Transport', [20, 20, 20], true],
      ['Object', [2_000, 2_000, 2_000], true],
      ['(string)', [20, 21, 20], false],
    ]);
  });

  it('says nothing of one count, or of none', () => {
    expect(growingClasses([counts(['Transport', 2])], 20)).toEqual([]);
    expect(growingClasses([], 20)).toEqual([]);
  });
});

describe('countClasses', () => {
  it('counts by class and adds their sizes; what V8 keeps for itself is no class', () => {
    const classes = countClasses(smallHeap(HEAP));
    expect(classes.get('Transport')).toEqual({ count: 3, bytes: 1_200 });
    expect(classes.get('function (anonymous)')?.count).toBe(1);
    expect(classes.has('(GC roots)')).toBe(false);
  });
});

describe('HeapGraph', () => {
  it('refuses what is no snapshot', () => {
    expect(() => new HeapGraph('{"nodes":[]}')).toThrow();
  });
});
