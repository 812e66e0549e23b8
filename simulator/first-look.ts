import * as z from 'zod';
import { CountError } from './observers/count.ts';
import { countSource, keepsVirtualTime } from './observers/count-source.ts';
import { InspectorError } from './observers/inspector.ts';
import { NodeObserver } from './observers/node.ts';
import { SessionObserver } from './observers/sessions.ts';
import { lookHeaders } from './run-headers.ts';
import { RequestError, type RunRequest } from './run-request.ts';
import type { World } from './world.ts';

/** Longer than any handshake takes, short enough to wait for. */
const REACHABLE_WITHIN_MS = 5_000;

/** Finds out what the target shows of its sessions, and looks at them. @throws RequestError when it cannot be reached */
export async function discover(world: World, request: RunRequest) {
  const { observers, mode } = request;
  const { clock, target } = world;
  const from = observers?.sessionsFrom;
  if (mode === 'virtual' && from && !keepsVirtualTime(from)) {
    throw new RequestError(
      `--sessions-from ${from.text} keeps real time: use --mode real, or a path on the target.`,
    );
  }
  const headers = lookHeaders(request);
  const source = from && countSource(from, target, clock, headers);
  const sessions = new SessionObserver(target, clock, { source, headers });
  try {
    const first = await sessions.discover();
    if (!first) await checkReachable(world);
    return { sessions, first };
  } catch (error) {
    sessions.close();
    if (error instanceof CountError)
      throw new RequestError(`--sessions-from ${error.message}.`, { cause: error });
    throw error;
  }
}

/** @throws RequestError when its inspector cannot be reached */
export async function observeNode(
  { target }: World,
  { observers, mode }: RunRequest,
): Promise<NodeObserver | undefined> {
  const heap = observers?.heap;
  if (heap === undefined) return undefined;
  if (mode === 'virtual') {
    throw new RequestError(
      'In virtual mode the target shares the heap of the simulator: --heap needs --mode real.',
    );
  }
  const node = new NodeObserver(() => (heap === 'target' ? target.pid : heap));
  try {
    await node.connect();
    return node;
  } catch (error) {
    if (error instanceof InspectorError) throw new RequestError(error.message, { cause: error });
    throw error;
  }
}

/**
 * A target that shows nothing of its sessions is a target all the same; one that takes no connection is none.
 * @throws RequestError when it is not ours to start
 */
async function checkReachable({ target, clock }: World): Promise<void> {
  const giveUp = new AbortController();
  const cancel = clock.at(clock.now() + REACHABLE_WITHIN_MS, () => giveUp.abort());
  try {
    const { stream } = await target.dial(giveUp.signal);
    stream.destroy();
  } catch (error) {
    const message = `The target cannot be reached at ${target.endpoint.href}: ${reasonOf(error)}.`;
    if (target.signal) throw new Error(message, { cause: error });
    throw new RequestError(`${message} Is it running, and is that its address?`, { cause: error });
  } finally {
    cancel();
  }
}

/** Node leaves the message of a refused connection empty where a name has several addresses. */
function reasonOf(error: unknown): string {
  const said = z.object({ code: z.string().optional(), message: z.string() }).safeParse(error);
  if (!said.success) return String(error);
  return said.data.message || (said.data.code ?? 'no reason given');
}
