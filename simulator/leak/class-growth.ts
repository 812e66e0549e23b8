import type { HeapGraph } from './heap-graph.ts';

/** How many objects of a class there are, and what they take by themselves. */
export interface ClassCount {
  readonly count: number;
  readonly bytes: number;
}
export type ClassCounts = ReadonlyMap<string, ClassCount>;

export interface GrowingClass {
  readonly className: string;
  /** How many more there were after each interval. */
  readonly counts: readonly number[];
  /** By a whole multiple of the units in every interval: proof, not statistics. */
  readonly isExact: boolean;
  readonly bytes: number;
}

/** A class grows when it gains this share of the units in every interval. */
const MIN_SHARE = 0.9;
/** What says little by itself: it is part of something else. */
const COMMON = new Set([
  ...['Object', 'Array', 'Map', 'Set', 'WeakMap', 'Promise', 'Function', 'system / Context', 'Generator'],
  ...['(string)', '(number)', '(array)', '(regexp)'],
]);

/** The class of a node as people know it; undefined for what V8 keeps for itself. */
export function classOf(graph: HeapGraph, node: number): string | undefined {
  const type = graph.type(node);
  switch (type) {
    case 'object':
    case 'native':
      return graph.name(node);
    case 'closure':
      return `function ${graph.name(node) || '(anonymous)'}`;
    case 'string':
    case 'concatenated string':
    case 'sliced string':
      return '(string)';
    case 'number':
    case 'bigint':
      return '(number)';
    case 'array':
    case 'regexp':
      return `(${type})`;
    default:
      return undefined;
  }
}

export function countClasses(graph: HeapGraph): ClassCounts {
  const classes = new Map<string, { count: number; bytes: number }>();
  for (let node = 0; node < graph.nodeCount; node += 1) {
    const className = classOf(graph, node);
    if (className === undefined) continue;
    const known = classes.get(className);
    if (known) {
      known.count += 1;
      known.bytes += graph.bytes(node);
    } else classes.set(className, { count: 1, bytes: graph.bytes(node) });
  }
  return classes;
}

/** Classes that grew in every interval between counts, `units` having come and gone in each; the telling ones first. */
export function growingClasses(counts: readonly ClassCounts[], units: number): GrowingClass[] {
  const last = counts.at(-1);
  const first = counts[0];
  if (!last || !first || counts.length < 2) return [];
  return [...last]
    .flatMap(([className, { bytes }]) => {
      const gained = counts
        .slice(1)
        .map((later, index) => countOf(later, className) - countOf(counts[index], className));
      if (!gained.every((more) => more >= MIN_SHARE * units)) return [];
      const isExact = gained.every((more) => more % units === 0);
      return [{ className, counts: gained, isExact, bytes: bytes - (first.get(className)?.bytes ?? 0) }];
    })
    .sort((a, b) => rank(b) - rank(a) || b.bytes - a.bytes);
}

function rank({ className, isExact }: GrowingClass): number {
  const isCommon = COMMON.has(className) || /^(function |system|Node \/)/.test(className);
  return (isCommon ? 0 : 2) + (isExact ? 1 : 0);
}

function countOf(counts: ClassCounts | undefined, className: string): number {
  return counts?.get(className)?.count ?? 0;
}
