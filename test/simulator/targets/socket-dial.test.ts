import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { socketDial } from '../../../simulator/targets/socket-dial.ts';

const peers: Socket[] = [];
const server = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => undefined);
  peers.push(socket);
});

afterEach(() => {
  for (const peer of peers.splice(0)) peer.destroy();
  server.close();
});

it.each([
  ['an open connection', false],
  ['one whose end was sent already, and which the server keeps open', true],
])('resets %s, so that no socket is left behind', async (_, isEnded) => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('a TCP server has a port');
  const { stream, reset } = await socketDial(new URL(`http://127.0.0.1:${address.port}/mcp`))();
  stream.on('error', () => undefined);
  if (isEnded) stream.end();
  const closed = once(stream, 'close');
  reset();
  // Without the mend this never comes: the test would run into its time-out.
  await closed;
  expect(stream.destroyed).toBe(true);
});
