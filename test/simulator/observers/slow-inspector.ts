/**
 * A process with the inspector of a busy machine: told to close, it answers, frees its port and ends the session later,
 * one long after the other. Run as a program; says who ended the session. Opened by SIGUSR1, as Node's is.
 * Usage: slow-inspector.ts session|port, whichever it is to close first
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

/** What anybody who does not wait is far ahead of, and a fraction of what the simulator waits. */
const LATER_MS = 150;

const [, , first] = process.argv;
const server = createServer((_request, response) => {
  const { port } = Object(server.address());
  response.setHeader('connection', 'close');
  response.end(JSON.stringify([{ webSocketDebuggerUrl: `ws://127.0.0.1:${port}/slow` }]));
});

new WebSocketServer({ server }).on('connection', (session) => {
  session.on('message', async (command) => {
    const { id, params } = JSON.parse(String(command));
    session.send(JSON.stringify({ id, result: { result: { value: true } } }));
    if (!params.expression.includes('.close()')) return;
    const closed = once(session, 'close').then(() => 'the one who looked');
    await later();
    if (first === 'port') {
      server.close();
      await later();
    }
    const endedBy = await Promise.race([closed, 'the process']);
    session.close();
    await closed;
    await later();
    server.close();
    console.log(`the session was ended by ${endedBy}`);
  });
});

process.on('SIGUSR1', () => void server.listen(0, '127.0.0.1'));
setInterval(() => undefined, 60_000);
console.log('up');

function later(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, LATER_MS));
}
