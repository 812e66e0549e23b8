import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Dial } from './target.ts';

/** Opens TCP connections (TLS for https) to where a URL points. */
export function socketDial(endpoint: URL): Dial {
  const isTls = endpoint.protocol === 'https:';
  const host = endpoint.hostname.replace(/^\[|\]$/g, '');
  const port = Number(endpoint.port) || (isTls ? 443 : 80);
  return (signal) =>
    new Promise((resolve, reject) => {
      const socket = isTls ? connectTls({ host, port, servername: host }) : connect({ host, port });
      socket.setNoDelay(true);
      const onAbort = () => socket.destroy(new Error('The dial was given up.'));
      const settle = () => signal?.removeEventListener('abort', onAbort);
      signal?.addEventListener('abort', onAbort, { once: true });
      socket.once('error', (error) => {
        settle();
        reject(error);
      });
      socket.once(isTls ? 'secureConnect' : 'connect', () => {
        settle();
        socket.removeAllListeners('error');
        resolve({ stream: socket, reset: () => reset(socket) });
      });
    });
}

/**
 * Breaks the connection. Once its end has been sent it can only be closed: libuv refuses to reset a socket that is
 * shut down, Node 26 then never closes it, and the process cannot exit.
 */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
