import { HeapGraph } from '../../../simulator/leak/heap-graph.ts';

const NODE_TYPES = ['hidden', 'object', 'closure', 'string', 'number', 'synthetic', 'code', 'array'];
const EDGE_TYPES = ['context', 'element', 'property', 'internal', 'weak'];

export interface SmallNode {
  readonly type: string;
  readonly name: string;
  readonly bytes?: number;
  readonly holds?: readonly (readonly [type: string, name: string | number, to: number])[];
}

/** A heap snapshot as V8 writes it, of nodes whose number is their place; ids are 1, 3, 5, … */
export function smallHeap(nodes: readonly SmallNode[]): HeapGraph {
  const strings: string[] = [];
  const indexOf = (text: string) => {
    if (!strings.includes(text)) strings.push(text);
    return strings.indexOf(text);
  };
  const flat = nodes.flatMap(({ type, name, bytes = 16, holds = [] }, index) => [
    NODE_TYPES.indexOf(type),
    indexOf(name),
    2 * index + 1,
    bytes,
    holds.length,
  ]);
  const edges = nodes.flatMap(({ holds = [] }) =>
    holds.flatMap(([type, name, to]) => [
      EDGE_TYPES.indexOf(type),
      typeof name === 'number' ? name : indexOf(name),
      5 * to,
    ]),
  );
  const meta = {
    node_fields: ['type', 'name', 'id', 'self_size', 'edge_count'],
    node_types: [NODE_TYPES, 'string', 'number', 'number', 'number'],
    edge_fields: ['type', 'name_or_index', 'to_node'],
    edge_types: [EDGE_TYPES, 'string_or_number', 'node'],
  };
  return new HeapGraph(JSON.stringify({ snapshot: { meta }, nodes: flat, edges, strings }));
}
