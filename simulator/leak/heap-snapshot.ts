import * as z from 'zod';
import type { Inspector } from '../observers/inspector.ts';
import { HeapGraph } from './heap-graph.ts';
import { LeakError } from './leak-error.ts';

/** A snapshot is about as large as the heap, as JSON, and its parsed form several times that. */
export const MAX_SNAPSHOT_BYTES = 200 * 1_024 * 1_024;

const ChunkSchema = z.object({ chunk: z.string() });

/**
 * All that is reachable in a Node process, after a collection. Stops the process for a second or more.
 * @throws LeakError when it is larger than MAX_SNAPSHOT_BYTES; InspectorError
 */
export async function takeHeapSnapshot(inspector: Inspector): Promise<HeapGraph> {
  const { usedSize } = z.object({ usedSize: z.number() }).parse(await inspector.send('Runtime.getHeapUsage'));
  if (usedSize > MAX_SNAPSHOT_BYTES) throw tooLarge(usedSize);
  const chunks: string[] = [];
  let length = 0;
  const stop = inspector.onNotice('HeapProfiler.addHeapSnapshotChunk', (params) => {
    const { chunk } = ChunkSchema.parse(params);
    length += chunk.length;
    // What is not kept cannot fill the memory of the simulator; the rest still has to be let by.
    if (length <= MAX_SNAPSHOT_BYTES) chunks.push(chunk);
  });
  try {
    await inspector.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false });
  } finally {
    stop();
  }
  if (length > MAX_SNAPSHOT_BYTES) throw tooLarge(length);
  return new HeapGraph(chunks.join(''));
}

function tooLarge(bytes: number): LeakError {
  const mib = (value: number) => `${Math.round(value / 2 ** 20)} MiB`;
  return new LeakError(
    `a heap of ${mib(bytes)} is too large to take apart here (at most ${mib(MAX_SNAPSHOT_BYTES)})`,
  );
}
