import type { Server } from 'node:http';

/** How long a peer may take to read the end of its stream before its connection is cut. */
const GRACE_MS = 500;
const CHECK_MS = 50;

/** Listens on loopback, on a free port unless one is named; resolves with the URL of the MCP endpoint. */
export function listenOnLoopback(server: Server, port = 0): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('The server has no port.'));
      else resolve(`http://127.0.0.1:${address.port}/mcp`);
    });
  });
}

/** Takes no new connection. Resolves once the last one there is has ended. */
export function stopAccepting(server: Server): Promise<void> {
  if (!server.listening) return Promise.resolve();
  return new Promise((resolve) => server.close(() => resolve()));
}

/**
 * A connection turns idle only when the end of its stream is written, so one closeIdleConnections() is not
 * enough (F38); peers that do not read are cut after a grace.
 */
export async function closeConnections(server: Server): Promise<void> {
  const closed = stopAccepting(server);
  server.closeIdleConnections();
  const check = setInterval(() => server.closeIdleConnections(), CHECK_MS);
  const grace = setTimeout(() => server.closeAllConnections(), GRACE_MS);
  try {
    await closed;
  } finally {
    clearInterval(check);
    clearTimeout(grace);
  }
}
