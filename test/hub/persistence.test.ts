import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { realClock } from '../../simulator/clock/real.ts';
import { McpClient } from '../../simulator/mcp/mcp-client.ts';
import type { Outcome } from '../../simulator/mcp/outcome.ts';
import { spawnedHub } from '../../simulator/targets/spawned-hub.ts';
import type { Target } from '../../simulator/targets/target.ts';
import { until } from '../simulator/mcp/servers.ts';

const clock = realClock();

/** Hubs as processes of their own, one after another, on one session store. */
class Hubs {
  readonly #dir = mkdtempSync(join(tmpdir(), 'mcp-soak-hub-'));
  readonly #clients: McpClient[] = [];
  #running: Target | undefined;

  async start(): Promise<Target> {
    this.#running = await spawnedHub({ store: join(this.#dir, 'sessions.db'), logLevel: 'info' });
    return this.#running;
  }

  /** Ends the hub: as a deploy does, or as a crash does. */
  async end(how: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (how === 'SIGKILL' && this.#running?.pid !== undefined) process.kill(this.#running.pid, 'SIGKILL');
    else this.#running?.signal?.('SIGTERM');
    await this.#running?.exited;
  }

  client(hub: Target, more: Partial<ConstructorParameters<typeof McpClient>[0]> = {}): McpClient {
    const client = new McpClient({
      dial: hub.dial,
      endpoint: hub.endpoint,
      clock,
      emit: () => undefined,
      protocolVersion: '2025-11-25',
      clientInfo: { name: 'survivor', version: '1' },
      requestTimeoutMs: 10_000,
      ...more,
    });
    this.#clients.push(client);
    return client;
  }

  /** The same client, on another hub. */
  again(client: McpClient, hub: Target, more: Partial<ConstructorParameters<typeof McpClient>[0]> = {}) {
    const { known } = client;
    if (!known) throw new Error('the client has no session');
    return this.client(hub, { ...more, session: known });
  }

  async cleanUp(): Promise<void> {
    for (const client of this.#clients) client.release();
    await this.#running?.stop();
    rmSync(this.#dir, { recursive: true });
  }
}

const NAMED = { kind: 'result', result: { structuredContent: expect.anything() } };

/** What a tool answered, for programs. */
async function structureOf(outcome: Promise<Outcome>): Promise<unknown> {
  const settled = await outcome;
  return settled.kind === 'result' ? settled.result.structuredContent : settled;
}

describe('A hub that keeps its sessions in a file', () => {
  let hubs: Hubs;
  beforeEach(() => {
    hubs = new Hubs();
  });
  afterEach(() => hubs.cleanUp());

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'goes on with every session it acknowledged after %s',
    async (how) => {
      const first = await hubs.start();
      const clients = Array.from({ length: 20 }, () => hubs.client(first));
      for (const client of clients)
        expect((await client.initialize({ handshake: 'full' })).kind).toBe('result');
      const [gone] = clients;
      expect((await gone?.delete())?.kind).toBe('accepted');
      await hubs.end(how);

      const second = await hubs.start();
      for (const client of clients) {
        const outcome = await hubs.again(client, second).call('echo', { message: 'still here' });
        expect(outcome).toMatchObject(
          client === gone ? { kind: 'http-error', status: 404 } : { kind: 'result' },
        );
      }
    },
  );

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'has every agent whose session lives under its name after %s, and others reach it by that',
    async (how) => {
      const first = await hubs.start();
      const open = async (name: string, clientOf = hubs.client(first)) => {
        await clientOf.initialize({ handshake: 'full' });
        expect(await clientOf.call('register_agent', { name, description: `is ${name}` })).toMatchObject(
          NAMED,
        );
        return clientOf;
      };
      const [bob, gone, alice] = [await open('bob'), await open('gone'), await open('alice')];
      await gone.delete();
      await hubs.end(how);

      const second = await hubs.start();
      const heard: unknown[] = [];
      const bobAgain = hubs.again(bob, second, { onNotification: (_method, params) => heard.push(params) });
      const aliceAgain = hubs.again(alice, second);
      expect(await structureOf(bobAgain.call('list_agents'))).toMatchObject({
        you: 'bob',
        agents: [
          { name: 'bob', description: 'is bob' },
          { name: 'alice', description: 'is alice' },
        ],
      });
      expect(await structureOf(aliceAgain.call('register_agent', { name: 'alice' }))).toMatchObject({
        name: 'alice',
      });
      const newcomer = hubs.client(second);
      await newcomer.initialize({ handshake: 'full' });
      const taken = await newcomer.call('register_agent', { name: 'alice' });
      expect(taken).toMatchObject({ kind: 'result', result: { isError: true } });
      expect(await newcomer.call('register_agent', { name: 'gone' })).toMatchObject(NAMED);

      await bobAgain.listen();
      await aliceAgain.call('send_message', { to: 'bob', message: 'are you there?' });
      await until(() => heard.length > 0);
      expect(heard).toMatchObject([{ from: 'alice', message: 'are you there?' }]);
    },
  );

  it('ends half-open handshakes after a restart as it would have before', async () => {
    const first = await hubs.start();
    const client = hubs.client(first);
    await client.initialize({ handshake: 'half' });
    await hubs.end('SIGKILL');
    const second = await hubs.start();
    expect((await hubs.again(client, second).ping()).kind).toBe('result');
  });

  it('lets a call whose hub was killed be resumed: the events it sent, and an error instead of its answer', async () => {
    const first = await hubs.start();
    const client = hubs.client(first);
    await client.initialize({ handshake: 'full' });
    // A raw look at the stream, since the client hides ids of POST streams.
    const seen: string[] = [];
    const wire = await first.dial();
    wire.stream.on('error', () => undefined);
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: 77,
      method: 'tools/call',
      params: { name: 'emit', arguments: { count: 1_000, intervalMs: 5 }, _meta: { progressToken: 1 } },
    });
    const arrived = new Promise<void>((resolve) => {
      wire.stream.on('data', (chunk: Buffer) => {
        seen.push(...(String(chunk).match(/^id: \S+/gm) ?? []));
        if (seen.length > 5) resolve();
      });
    });
    wire.stream.write(
      `POST /mcp HTTP/1.1\r\nHost: ${first.endpoint.host}\r\nMcp-Session-Id: ${client.sessionId}\r\n` +
        'Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n' +
        `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    await arrived;
    await hubs.end('SIGKILL');

    const second = await hubs.start();
    const lastEventId = seen[3]?.slice('id: '.length) ?? '';
    const response = await fetch(second.endpoint, {
      headers: {
        accept: 'text/event-stream',
        'mcp-session-id': client.sessionId ?? '',
        'last-event-id': lastEventId,
      },
    });
    expect(response.status).toBe(200);
    const events = [...(await response.text()).matchAll(/^data: (\{.*)$/gm)].map(([, json = '']) =>
      JSON.parse(json),
    );
    const progress = events.flatMap(({ params }) => (params ? [params.progress] : []));
    expect(progress).toEqual(progress.map((_, index) => progress[0] + index));
    expect(progress.length).toBeGreaterThan(1);
    expect(events.at(-1)).toMatchObject({ id: 77, error: { code: -32000 } });
  });
});
