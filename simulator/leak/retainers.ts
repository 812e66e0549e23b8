import { classOf } from './class-growth.ts';
import type { HeapGraph, Holding } from './heap-graph.ts';

/** Longer paths are cut in the middle. */
const MAX_PARTS = 12;
/** Objects looked at to find the path that most of them are held by. */
const MAX_OBJECTS = 500;
const NONE = -1;
const PROCESS = 'process (process)';

/** What holds the objects of a heap, the shortest way from the root. */
export class Retainers {
  readonly #graph: HeapGraph;
  /** The node before a node on that way, and the edge from it. */
  readonly #before: Int32Array;
  readonly #edge: Int32Array;
  readonly #steps: Int32Array;

  constructor(graph: HeapGraph) {
    this.#graph = graph;
    this.#before = new Int32Array(graph.nodeCount).fill(NONE);
    this.#edge = new Int32Array(graph.nodeCount).fill(NONE);
    this.#steps = new Int32Array(graph.nodeCount).fill(NONE);
    this.#steps[0] = 0;
    // What programs know (the global object) comes before what V8 alone knows: a path through it means something.
    const [known, inner]: [number[], number[]] = [[], []];
    graph.eachHeld(0, (held, edge) => {
      if (!this.#reach(held, 0, edge)) return;
      (graph.type(held) === 'synthetic' ? inner : known).push(held);
    });
    this.#spread(known);
    this.#spread(inner);
  }

  /**
   * What holds the objects of a class that came after the object with the id `sinceId`: names from the root to one of
   * them, the path that most of them are held by. Empty when there is none.
   */
  pathTo(className: string, sinceId: number): string[] {
    const paths = new Map<string, { path: string[]; count: number }>();
    let seen = 0;
    for (let node = 0; node < this.#graph.nodeCount && seen < MAX_OBJECTS; node += 1) {
      if (this.#graph.id(node) <= sinceId || classOf(this.#graph, node) !== className) continue;
      if ((this.#steps[node] ?? NONE) === NONE) continue;
      seen += 1;
      const path = this.#path(node);
      const key = path.map((part) => part.replace(/\d+/g, '#')).join(' ');
      const known = paths.get(key);
      if (known) known.count += 1;
      else paths.set(key, { path, count: 1 });
    }
    const [best] = [...paths.values()].sort((a, b) => b.count - a.count || a.path.length - b.path.length);
    return best ? cut(best.path) : [];
  }

  #reach(node: number, before: number, edge: number): boolean {
    if (this.#steps[node] !== NONE) return false;
    this.#steps[node] = (this.#steps[before] ?? 0) + 1;
    this.#before[node] = before;
    this.#edge[node] = edge;
    return true;
  }

  #spread(from: readonly number[]): void {
    let edgeNodes = from;
    while (edgeNodes.length > 0) {
      const next: number[] = [];
      for (const node of edgeNodes) {
        this.#graph.eachHeld(node, (held, edge) => {
          if (this.#reach(held, node, edge)) next.push(held);
        });
      }
      edgeNodes = next;
    }
  }

  #path(target: number): string[] {
    const parts = [classOf(this.#graph, target) ?? this.#graph.name(target)];
    let nameBefore: string | undefined;
    for (let node = target; node > 0; node = this.#before[node] ?? 0) {
      const before = this.#before[node] ?? 0;
      const holding = this.#graph.holding(this.#edge[node] ?? 0, before);
      const name = describe(this.#graph, holding, node, node === target);
      if (name === undefined) continue;
      // A linked list is one thing, however long: of its steps the first is kept.
      if (holding.name === nameBefore) parts.shift();
      parts.unshift(name);
      nameBefore = holding.name;
    }
    // The way to `process` leads through some function of Node's, whichever comes first.
    const atProcess = parts.lastIndexOf(PROCESS);
    return atProcess > 0 ? ['process', ...parts.slice(atProcess + 1)] : parts;
  }
}

/** One step of a path; undefined when it says nothing to whoever wrote the program. */
function describe(
  graph: HeapGraph,
  { type, name, from }: Holding,
  to: number,
  isLast: boolean,
): string | undefined {
  if (from === 0) return graph.type(to) === 'synthetic' ? undefined : rootName(graph.name(to));
  if (graph.name(to) === 'ModuleWrap') return 'module';
  const container = isLast ? '' : containerName(graph, to);
  switch (type) {
    case 'property':
    case 'context':
    case 'shortcut':
      return `${name}${container}`;
    case 'element':
      // What V8 or Node itself holds on to: `(Global handles)`.
      if (graph.type(from) === 'synthetic') return graph.name(from);
      return `[${name}]${container}`;
    default:
      return undefined;
  }
}

function containerName(graph: HeapGraph, node: number): string {
  const name = graph.type(node) === 'object' ? graph.name(node) : '';
  return name === '' || name === 'Object' || name.startsWith('system') || name.includes('{')
    ? ''
    : ` (${name})`;
}

function rootName(name: string): string | undefined {
  return /global/i.test(name) || name.startsWith('system') || name === '' ? undefined : name;
}

function cut(path: readonly string[]): string[] {
  if (path.length <= MAX_PARTS) return [...path];
  const half = Math.floor(MAX_PARTS / 2);
  return [...path.slice(0, half), '…', ...path.slice(half + 1 - MAX_PARTS)];
}
