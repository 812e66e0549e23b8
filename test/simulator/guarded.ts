import type { IncomingMessage } from 'node:http';
import { hubLaunch, type Launch } from '../../simulator/targets/in-process.ts';

/** What came to a guarded server, and whether it was let in. */
export interface Visit {
  readonly what: string;
  readonly header: string | undefined;
}

/**
 * The reference hub behind a guard of its own: whoever does not send the header gets the status, whatever is asked for.
 * `hides`: a path that is not there, even for those who are let in.
 */
export function guarded(
  [name, value]: readonly [name: string, value: string],
  visits: Visit[],
  { status = 401, says = 'no', hides }: { status?: number; says?: string; hides?: string } = {},
): Launch {
  return async () => {
    const local = await hubLaunch({})();
    const inner = local.server.listeners('request');
    local.server.removeAllListeners('request');
    local.server.on('request', (request: IncomingMessage, response) => {
      const header = request.headers[name.toLowerCase()];
      visits.push({ what: `${request.method} ${request.url}`, header: header?.toString() });
      if (header !== value) return void response.writeHead(status).end(says);
      if (hides !== undefined && request.url?.startsWith(hides)) return void response.writeHead(404).end();
      for (const listener of inner) Reflect.apply(listener, local.server, [request, response]);
    });
    return local;
  };
}
