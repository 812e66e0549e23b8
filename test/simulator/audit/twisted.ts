import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Launch } from '../../../simulator/targets/in-process.ts';

/** Answers a request itself, or passes it on. */
export type Twist = (request: IncomingMessage, response: ServerResponse, pass: () => void) => void;

/** A healthy server with something in front of it that spoils one thing. `twist` is made anew for each start. */
export function twisted(launch: Launch, makeTwist: () => Twist): Launch {
  return async () => {
    const local = await launch();
    const { server } = local;
    const twist = makeTwist();
    const listeners = server.listeners('request');
    server.removeAllListeners('request');
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      twist(request, response, () => {
        for (const listener of listeners) Reflect.apply(listener, server, [request, response]);
      });
    });
    return local;
  };
}

/** An initialize is longer than that, the notification that ends a handshake is not; bytes of a body. */
const SHORT = 100;

/** Takes notifications/initialized for done, whosever it is. */
export function acceptsHeaderless(): Twist {
  return (request, response, pass) => {
    const isShort = Number(request.headers['content-length']) < SHORT;
    const isNobodys = request.headers['mcp-session-id'] === undefined;
    if (request.method === 'POST' && isNobodys && isShort) response.writeHead(202).end();
    else pass();
  };
}

const PONG_WITHIN_MS = 1_000;

/** Ends the session of a client that does not answer a ping at once. */
export function isImpatient(): Twist {
  const waiting = new Map<string, NodeJS.Timeout>();
  const dead = new Set<string>();
  return (request, response, pass) => {
    const id = String(request.headers['mcp-session-id']);
    if (dead.has(id)) {
      refuseWith(response, 404);
      return;
    }
    if (request.method === 'POST') clearTimeout(waiting.get(id));
    if (request.method === 'GET') {
      onWrite(response, (text) => {
        if (text.includes('"ping"'))
          waiting.set(
            id,
            setTimeout(() => dead.add(id), PONG_WITHIN_MS),
          );
        return true;
      });
    }
    pass();
  };
}

/** When a stream closes, forgets the stream of its session, whichever that is by then. */
export function cleansUpById(): Twist {
  const current = new Map<string, { isForgotten: boolean }>();
  return (request, response, pass) => {
    if (request.method === 'GET') {
      const id = String(request.headers['mcp-session-id']);
      const stream = { isForgotten: false };
      current.set(id, stream);
      response.once('close', () => {
        const forgotten = current.get(id);
        if (forgotten) forgotten.isForgotten = true;
      });
      onWrite(response, () => !stream.isForgotten);
    }
    pass();
  };
}

/** `hear`: whether what is written goes out. */
function onWrite(response: ServerResponse, hear: (text: string) => boolean): void {
  const { write } = response;
  Object.defineProperty(response, 'write', {
    value: (...args: unknown[]) => {
      const [chunk] = args;
      const isText = typeof chunk === 'string' || chunk instanceof Uint8Array;
      if (isText && !hear(Buffer.from(chunk).toString())) return true;
      return Reflect.apply(write, response, args);
    },
  });
}

/** Refuses a request as MCP servers do. */
export function refuseWith(
  response: ServerResponse,
  status: number,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end('{"jsonrpc":"2.0","error":{"code":-32001,"message":"Refused."},"id":null}');
}
