import { socketDial } from './socket-dial.ts';
import type { Target } from './target.ts';

/** A server that runs already, wherever. It is neither signalled nor stopped: it is not ours. */
export function urlTarget(endpoint: URL): Target {
  return {
    name: endpoint.href,
    endpoint,
    dial: socketDial(endpoint),
    hasSockets: true,
    stop: async () => undefined,
  };
}

/** Whether a URL points to this machine: the only place to put load on without asking first. */
export function isLoopback(endpoint: URL): boolean {
  const { hostname } = endpoint;
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}
