import * as z from 'zod';
import { failure, type Tool, type ToolCall, text, tool } from './tool.ts';

/** The longest a test tool waits or works, so that no call outlives its day. */
const MAX_WAIT_MS = 24 * 3_600_000;
const MAX_EVENTS = 10_000;
const MAX_TAG_LENGTH = 200;
const MAX_PADDING = 64 * 1024;
/** A notification of the hub's own: clients that do not know it ignore it, as JSON-RPC asks of them. */
const EVENT_METHOD = 'notifications/test/event';

const waitMs = z.number().min(0).max(MAX_WAIT_MS);

/** Tools to test sessions with: an answer at once, a late one, one with events before it, and none that is good. */
export const TEST_TOOLS: readonly Tool[] = [
  tool(
    'echo',
    'Answers with the message it was given.',
    z.object({ message: z.string() }),
    async ({ message }) => text(message),
  ),
  tool(
    'sleep',
    'Answers after so many milliseconds.',
    z.object({ ms: waitMs }),
    async ({ ms }, { extra }) => {
      await sleep(ms, extra.signal);
      return text(`slept ${ms} ms`);
    },
  ),
  tool(
    'emit',
    'Sends notifications, so many and so far apart, then answers: progress of this call, or, `on: stream`, ' +
      `${EVENT_METHOD} on the open stream of the session, numbered, with the tag and so many bytes of padding.`,
    z.object({
      count: z.number().int().min(0).max(MAX_EVENTS),
      intervalMs: waitMs.default(0),
      on: z.enum(['call', 'stream']).default('call'),
      tag: z.string().max(MAX_TAG_LENGTH).default(''),
      padding: z.number().int().min(0).max(MAX_PADDING).default(0),
    }),
    async ({ count, intervalMs, on, tag, padding }, call) => {
      const filler = padding === 0 ? {} : { padding: 'x'.repeat(padding) };
      for (let n = 1; n <= count; n += 1) {
        await sleep(intervalMs, call.extra.signal);
        if (on === 'call') await sendProgress(call.extra, n, count);
        else await sendOnStream(call.context, { n, total: count, tag, ...filler });
      }
      return text(`emitted ${count}`);
    },
  ),
  tool(
    'fail',
    'Fails: as a tool error the caller can read, or by throwing.',
    z.object({ how: z.enum(['result', 'throw']).default('result') }),
    async ({ how }) => {
      if (how === 'throw') throw new Error('The tool threw, as it was asked to.');
      return failure('The tool failed, as it was asked to.');
    },
  ),
];

async function sendProgress(extra: ToolCall['extra'], progress: number, total: number): Promise<void> {
  const progressToken = extra._meta?.progressToken;
  if (progressToken === undefined) return;
  await extra.sendNotification({
    method: 'notifications/progress',
    params: { progressToken, progress, total },
  });
}

/** Belongs to no call: it goes onto the GET stream of the session, or waits for one. */
async function sendOnStream(
  { session }: ToolCall['context'],
  params: Record<string, unknown>,
): Promise<void> {
  const own = session();
  if (!own) throw new Error('The session has ended.');
  await own.transport.send({ jsonrpc: '2.0', method: EVENT_METHOD, params });
}

/** Waits, or throws as soon as the call is cancelled or its session ends. */
function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(new Error('The call was cancelled.'));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}
