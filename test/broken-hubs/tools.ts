import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import type { CallToolResult, ServerNotification, ServerRequest } from '@modelcontextprotocol/sdk/types.js';
import * as z from 'zod';
import type { DefectName } from './defects.ts';

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

const MAX_WAIT_MS = 24 * 3_600_000;
const MAX_EVENTS = 10_000;
const MAX_PADDING = 64 * 1_024;
const EVENT_METHOD = 'notifications/test/event';

/** With `crossed-answers` every so many echoes one goes wrong. */
const CROSSED_EVERY = 5;

const waitMs = z.number().min(0).max(MAX_WAIT_MS);

/** Built once: schemas of its own per session cost 18 KiB per tool (F50). */
const INPUT = {
  echo: { message: z.string() },
  sleep: { ms: waitMs },
  emit: {
    count: z.number().int().min(0).max(MAX_EVENTS),
    intervalMs: waitMs.default(0),
    on: z.enum(['call', 'stream']).default('call'),
    tag: z.string().default(''),
    padding: z.number().int().min(0).max(MAX_PADDING).default(0),
  },
  fail: { how: z.enum(['result', 'throw']).default('result') },
};

const text = (value: string): CallToolResult => ({ content: [{ type: 'text', text: value }] });

/** Makes the MCP servers of one HTTP server, one for each session, with the reference hub's four test tools. */
export function toolServers(defect: DefectName | undefined): () => McpServer {
  const echo = defect === 'crossed-answers' ? crossingEcho() : (message: string) => message;
  return () => {
    const server = new McpServer({ name: 'sdk-server', version: '0.1.0' });
    server.registerTool('echo', { inputSchema: INPUT.echo }, ({ message }) => text(echo(message)));
    server.registerTool('sleep', { inputSchema: INPUT.sleep }, async ({ ms }, extra) => {
      await sleep(ms, extra.signal);
      return text(`slept ${ms} ms`);
    });
    server.registerTool('emit', { inputSchema: INPUT.emit }, ({ on, tag, padding, ...pace }, extra) =>
      emit(
        pace,
        extra,
        on === 'call' ? progressOf(extra) : eventOn(server, { tag, padding: 'x'.repeat(padding) }),
      ),
    );
    server.registerTool('fail', { inputSchema: INPUT.fail }, ({ how }) => {
      if (how === 'throw') throw new Error('The tool threw, as it was asked to.');
      return { ...text('The tool failed, as it was asked to.'), isError: true };
    });
    return server;
  };
}

/** Shared by all sessions, which is what lets it cross them. */
function crossingEcho(): (message: string) => string {
  let calls = 0;
  let previous: string | undefined;
  return (message) => {
    calls += 1;
    const answer = calls % CROSSED_EVERY === 0 ? (previous ?? message) : message;
    previous = message;
    return answer;
  };
}

interface Pace {
  readonly count: number;
  readonly intervalMs: number;
}
type SendEvent = (n: number, total: number) => Promise<void>;

async function emit(
  { count, intervalMs }: Pace,
  { signal }: Extra,
  send: SendEvent,
): Promise<CallToolResult> {
  for (let n = 1; n <= count; n += 1) {
    await sleep(intervalMs, signal);
    await send(n, count);
  }
  return text(`emitted ${count}`);
}

function progressOf({ _meta, sendNotification }: Extra): SendEvent {
  const progressToken = _meta?.progressToken;
  if (progressToken === undefined) return async () => undefined;
  return (progress, total) =>
    sendNotification({ method: 'notifications/progress', params: { progressToken, progress, total } });
}

/** Belongs to no call, so the transport puts it onto the GET stream. */
function eventOn({ server }: McpServer, more: { tag: string; padding: string }): SendEvent {
  return async (n, total) =>
    server.transport?.send({ jsonrpc: '2.0', method: EVENT_METHOD, params: { n, total, ...more } });
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
