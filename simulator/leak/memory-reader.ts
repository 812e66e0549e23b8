import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import type { MemorySource } from '../judge/leak-series.ts';
import { Inspector, InspectorError } from '../observers/inspector.ts';
import { heapAfterGc } from '../observers/node.ts';
import { RequestError } from '../run-request.ts';
import { LeakError } from './leak-error.ts';
import { countResources, pin, unpin } from './pinned-node.ts';

/** Where the memory of a process is read, and the integers that have to return to where they were. */
export interface MemoryReader {
  readonly pid: number;
  readonly source: MemorySource;
  /** Of a Node process: what names the culprit. */
  readonly inspector?: Inspector;
  /** Memory in use, bytes. @throws LeakError, InspectorError when the process is gone */
  bytes(): Promise<number>;
  /** Integers by what they count. The same errors. */
  counts(): Promise<Record<string, number>>;
  /** Leaves the process as it was. */
  close(): Promise<void>;
}

/**
 * Node: its heap, through the inspector. CPython: `Anonymous`, exact to the page. Others keep garbage for as long as
 * they like, and nobody can make them collect it from outside: what they take of the machine is a coarse sign.
 * `isNode`: whoever named the process says so.
 * @throws RequestError when it cannot be looked at
 */
export async function openMemoryReader(pid: number, { isNode = false } = {}): Promise<MemoryReader> {
  const program = programOf(pid);
  if (program === undefined) {
    throw new RequestError(
      `Process ${pid} cannot be looked at: it is gone, not yours, or there is no /proc here.`,
    );
  }
  if (isNode || /^node/.test(program)) return nodeReader(pid);
  const source = /^python/.test(program) ? 'anonymous' : 'rss';
  return {
    pid,
    source,
    bytes: async () => anonymousBytes(pid),
    counts: async () => countFiles(pid),
    close: async () => undefined,
  };
}

async function nodeReader(pid: number): Promise<MemoryReader> {
  const inspector = await pinnedNode(pid);
  return {
    pid,
    source: 'heap',
    inspector,
    bytes: () => heapAfterGc(inspector),
    counts: async () => ({ ...countFiles(pid), ...(await countResources(inspector)) }),
    close: () => leave(inspector),
  };
}

async function pinnedNode(pid: number): Promise<Inspector> {
  let inspector: Inspector | undefined;
  try {
    inspector = await Inspector.attach(pid);
    await pin(inspector);
    return inspector;
  } catch (error) {
    await inspector?.leave();
    if (error instanceof InspectorError) throw new RequestError(error.message, { cause: error });
    throw error;
  }
}

async function leave(inspector: Inspector): Promise<void> {
  try {
    if (!inspector.isClosed) await unpin(inspector);
  } catch (error) {
    if (!(error instanceof InspectorError)) throw error;
  } finally {
    await inspector.leave();
  }
}

const KIB = 1_024;

/** Memory that no file backs: neither shared with others nor to be had again from disk (proc_pid_smaps_rollup(5)). */
function anonymousBytes(pid: number): number {
  const kib = /^Anonymous:\s+(\d+) kB/m.exec(textOf(`/proc/${pid}/smaps_rollup`))?.[1];
  if (kib === undefined) throw new LeakError(`process ${pid} does not show its memory: is it gone?`);
  return Number(kib) * KIB;
}

function countFiles(pid: number): Record<string, number> {
  const files = filesOf(pid);
  const threads = /^Threads:\s+(\d+)/m.exec(textOf(`/proc/${pid}/status`))?.[1];
  return {
    'open files': files.length,
    sockets: files.filter((file) => file.startsWith('socket:')).length,
    threads: Number(threads ?? 0),
  };
}

function filesOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
      } catch {
        // Closed since it was listed.
        return [];
      }
    });
  } catch (error) {
    throw new LeakError(`process ${pid} does not show its open files: is it gone?`, { cause: error });
  }
}

function programOf(pid: number): string | undefined {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`));
  } catch {
    // Gone, not ours, or no Linux: the caller says so.
    return undefined;
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new LeakError(`${path} cannot be read: is the process gone?`, { cause: error });
  }
}
