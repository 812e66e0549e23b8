import type { LeakSeries } from '../judge/leak-series.ts';
import { type Inspector, InspectorError } from '../observers/inspector.ts';
import { heapAfterGc } from '../observers/node.ts';
import { startSampling, survivors } from './allocations.ts';
import { type ClassCounts, countClasses, growingClasses } from './class-growth.ts';
import type { HeapGraph } from './heap-graph.ts';
import { takeHeapSnapshot } from './heap-snapshot.ts';
import { LeakError } from './leak-error.ts';
import { Retainers } from './retainers.ts';

/** What grows, what holds it, and where it was allocated. `note`: why that could not be found out. */
export interface Culprit extends Pick<LeakSeries, 'growing' | 'allocations'> {
  readonly note?: string;
}

/** One that grew by chance in all of them would have to be chance three times. */
const INTERVALS = 3;
const MAX_CLASSES = 8;

/**
 * Looks for what leaks in a Node process that was found to leak: `doCycle` does `units` more in each of three intervals
 * between heap snapshots. Takes a second or more for each.
 */
export async function findCulprit(
  inspector: Inspector,
  units: number,
  doCycle: () => Promise<void>,
): Promise<Culprit> {
  try {
    const counts: ClassCounts[] = [];
    let graph = await snapshot(inspector, counts);
    const sinceId = lastId(graph);
    await startSampling(inspector);
    for (let interval = 0; interval < INTERVALS; interval += 1) {
      await doCycle();
      graph = await snapshot(inspector, counts);
    }
    const allocations = await survivors(inspector, INTERVALS * units);
    const retainers = new Retainers(graph);
    const growing = growingClasses(counts, units)
      .slice(0, MAX_CLASSES)
      .map(({ className, counts: gained }) => ({
        className,
        counts: [...gained],
        retainers: retainers.pathTo(className, sinceId),
      }));
    return { growing, allocations };
  } catch (error) {
    if (!(error instanceof LeakError) && !(error instanceof InspectorError)) throw error;
    return { growing: [], allocations: [], note: `what leaks was not looked for: ${error.message}` };
  }
}

async function snapshot(inspector: Inspector, counts: ClassCounts[]): Promise<HeapGraph> {
  await heapAfterGc(inspector);
  const graph = await takeHeapSnapshot(inspector);
  counts.push(countClasses(graph));
  return graph;
}

function lastId(graph: HeapGraph): number {
  let last = 0;
  for (let node = 0; node < graph.nodeCount; node += 1) last = Math.max(last, graph.id(node));
  return last;
}
