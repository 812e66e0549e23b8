import * as z from 'zod';

const names = z.array(z.string());
/** `node_types` and `edge_types`: the words of the field `type` come first. */
const SnapshotSchema = z.object({
  snapshot: z.looseObject({
    meta: z.looseObject({
      node_fields: names,
      node_types: z.tuple([names], z.unknown()),
      edge_fields: names,
      edge_types: z.tuple([names], z.unknown()),
    }),
  }),
  // Millions of numbers: looking at each of them would take longer than all the rest.
  nodes: z.custom<number[]>(Array.isArray),
  edges: z.custom<number[]>(Array.isArray),
  strings: z.custom<string[]>(Array.isArray),
});

/** How an object is held: by a property or variable of a name, by an index, or inside of V8. */
export interface Holding {
  readonly type: string;
  readonly name: string;
  readonly from: number;
}

type NodeField = 'type' | 'name' | 'id' | 'self_size' | 'edge_count';

/** The objects of a heap and what holds them. Nodes are numbered from 0, the root. */
export class HeapGraph {
  readonly nodeCount: number;
  readonly #nodes: readonly number[];
  readonly #edges: readonly number[];
  readonly #strings: readonly string[];
  readonly #nodeTypes: readonly string[];
  readonly #edgeTypes: readonly string[];
  readonly #node: Fields<NodeField>;
  readonly #edge: Fields<'type' | 'name_or_index' | 'to_node'>;
  /** Where the edges of a node begin. */
  readonly #firstEdge: Uint32Array;

  /** `text`: as V8 writes it. Throws ZodError or SyntaxError for anything else. */
  constructor(text: string) {
    const { snapshot, nodes, edges, strings } = SnapshotSchema.parse(JSON.parse(text));
    const { meta } = snapshot;
    this.#nodes = nodes;
    this.#edges = edges;
    this.#strings = strings;
    [this.#nodeTypes] = meta.node_types;
    [this.#edgeTypes] = meta.edge_types;
    this.#node = fieldsOf(meta.node_fields, ['type', 'name', 'id', 'self_size', 'edge_count']);
    this.#edge = fieldsOf(meta.edge_fields, ['type', 'name_or_index', 'to_node']);
    this.nodeCount = nodes.length / this.#node.size;
    this.#firstEdge = new Uint32Array(this.nodeCount + 1);
    for (let node = 0; node < this.nodeCount; node += 1) {
      this.#firstEdge[node + 1] = (this.#firstEdge[node] ?? 0) + this.#read(node, 'edge_count');
    }
  }

  /** `object`, `closure`, `string`, `code`, `hidden`, … */
  type(node: number): string {
    return this.#nodeTypes[this.#read(node, 'type')] ?? '';
  }

  name(node: number): string {
    return this.#strings[this.#read(node, 'name')] ?? '';
  }

  /** The same object has the same id in later snapshots, and newer objects have larger ones. */
  id(node: number): number {
    return this.#read(node, 'id');
  }

  bytes(node: number): number {
    return this.#read(node, 'self_size');
  }

  /** Calls back for what a node holds, but weakly. */
  eachHeld(node: number, visit: (held: number, edge: number) => void): void {
    const end = this.#firstEdge[node + 1] ?? 0;
    for (let edge = this.#firstEdge[node] ?? 0; edge < end; edge += 1) {
      const at = edge * this.#edge.size;
      if (this.#edgeTypes[this.#edges[at + this.#edge.at.type] ?? 0] === 'weak') continue;
      visit((this.#edges[at + this.#edge.at.to_node] ?? 0) / this.#node.size, edge);
    }
  }

  holding(edge: number, from: number): Holding {
    const at = edge * this.#edge.size;
    const type = this.#edgeTypes[this.#edges[at + this.#edge.at.type] ?? 0] ?? '';
    const nameOrIndex = this.#edges[at + this.#edge.at.name_or_index] ?? 0;
    const isIndex = type === 'element' || type === 'hidden';
    return { type, from, name: isIndex ? String(nameOrIndex) : (this.#strings[nameOrIndex] ?? '') };
  }

  #read(node: number, field: NodeField): number {
    return this.#nodes[node * this.#node.size + this.#node.at[field]] ?? 0;
  }
}

/** How many numbers a record takes, and at which of them a field is. */
interface Fields<Name extends string> {
  readonly size: number;
  readonly at: Readonly<Record<Name, number>>;
}

function fieldsOf<const Name extends string>(
  fields: readonly string[],
  wanted: readonly Name[],
): Fields<Name> {
  const at = z.record(z.enum(wanted), z.number().nonnegative());
  const places = at.parse(Object.fromEntries(wanted.map((name) => [name, fields.indexOf(name)])));
  return { size: fields.length, at: places };
}
