import * as z from 'zod';
import { Inspector, InspectorError } from './inspector.ts';

/** What a Node process shows of itself through its inspector. */
export interface NodeUsage {
  /** Active handles and requests, by type. */
  readonly resources: Readonly<Record<string, number>>;
  readonly handles: number;
  /** Delay of its event loop since the last look, 99th percentile, ms; undefined when nothing was measured yet. */
  readonly loopDelayMs?: number;
  /** Time in garbage collection since the last look, ms. */
  readonly gcMs: number;
  /** Heap in use and external memory after two forced collections, bytes; only where it was asked for. */
  readonly heapBytes?: number;
}

const UsageSchema = z.object({
  resources: z.record(z.string(), z.number()),
  loopDelayMs: z.number().nullable(),
  gcMs: z.number(),
});
const HeapSchema = z.object({ heapUsed: z.number(), external: z.number() });

const RESOLUTION_MS = 10;

/** Sets up, in the process, what counts its garbage collections and delays; once per process. */
const INSTALL = `(() => {
  const key = Symbol.for('mcp-soak.observer');
  if (globalThis[key]) return;
  const { monitorEventLoopDelay, PerformanceObserver } = process.getBuiltinModule('node:perf_hooks');
  const delay = monitorEventLoopDelay({ resolution: ${RESOLUTION_MS} });
  const state = { delay, gcMs: 0 };
  state.gc = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) state.gcMs += duration;
  });
  state.gc.observe({ entryTypes: ['gc'] });
  delay.enable();
  globalThis[key] = state;
})()`;

const LOOK = `(() => {
  const state = globalThis[Symbol.for('mcp-soak.observer')];
  const resources = {};
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1;
  const { delay, gcMs } = state;
  const loopDelayMs = delay.count === 0 ? null : Math.max(0, delay.percentile(99) / 1e6 - ${RESOLUTION_MS});
  // Reset while it has measured nothing, it would begin anew, and never measure where looks follow each other closely.
  if (delay.count > 0) delay.reset();
  state.gcMs = 0;
  return { resources, loopDelayMs, gcMs };
})()`;

const REMOVE = `(() => {
  const key = Symbol.for('mcp-soak.observer');
  globalThis[key]?.delay.disable();
  globalThis[key]?.gc.disconnect();
  delete globalThis[key];
})()`;

const MEMORY = '(({ heapUsed, external }) => ({ heapUsed, external }))(process.memoryUsage())';
/** Finalizers run as tasks: what they let go of is collected by the second collection. */
const NEXT_TASK = 'new Promise((resolve) => setImmediate(resolve)).then(() => undefined)';

/** Heap, handles, event-loop delay and garbage collection of a Node process, also of one that was restarted. */
export class NodeObserver {
  readonly #pid: () => number | undefined;
  #inspector: Inspector | undefined;

  /** `pid`: of the process as it is now. */
  constructor(pid: () => number | undefined) {
    this.#pid = pid;
  }

  /** @throws InspectorError when its inspector cannot be reached */
  async connect(): Promise<void> {
    const pid = this.#pid();
    if (pid === undefined)
      throw new InspectorError('the process of the target is not known: give --inspect-pid');
    if (this.#inspector?.pid === pid && !this.#inspector.isClosed) return;
    this.#inspector = await Inspector.attach(pid);
    await this.#inspector.evaluate(INSTALL);
  }

  /** One look; undefined while the process is not there. `forceGc`: stops it for as long as two collections take. */
  async look({ forceGc }: { forceGc: boolean }): Promise<NodeUsage | undefined> {
    try {
      await this.connect();
      const inspector = this.#inspector;
      if (!inspector) return undefined;
      const { resources, loopDelayMs, gcMs } = UsageSchema.parse(await inspector.evaluate(LOOK));
      const heapBytes = forceGc ? await heapAfterGc(inspector) : undefined;
      // Those collections were ours.
      if (forceGc) await inspector.evaluate(LOOK);
      const handles = Object.values(resources).reduce((total, count) => total + count, 0);
      return {
        resources,
        handles,
        gcMs,
        ...(loopDelayMs !== null && { loopDelayMs }),
        ...(heapBytes !== undefined && { heapBytes }),
      };
    } catch (error) {
      // It is being restarted, or has ended: others say so.
      if (error instanceof InspectorError) return undefined;
      throw error;
    }
  }

  /** Leaves the process as it was. */
  async close(): Promise<void> {
    const inspector = this.#inspector;
    if (!inspector || inspector.isClosed) return;
    try {
      await inspector.evaluate(REMOVE);
    } catch (error) {
      if (!(error instanceof InspectorError)) throw error;
    } finally {
      await inspector.leave();
    }
  }
}

/**
 * Heap in use and external memory after two forced collections, bytes. An attached inspector keeps the arguments of
 * every console.log: they are let go of first.
 */
export async function heapAfterGc(inspector: Inspector): Promise<number> {
  for (let collection = 0; collection < 2; collection += 1) {
    await inspector.send('Runtime.discardConsoleEntries');
    await inspector.send('HeapProfiler.collectGarbage');
    await inspector.evaluate(NEXT_TASK);
  }
  const { heapUsed, external } = HeapSchema.parse(await inspector.evaluate(MEMORY));
  return heapUsed + external;
}
