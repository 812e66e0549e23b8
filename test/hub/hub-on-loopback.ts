import { createServer, type Server } from 'node:http';
import express from 'express';
import { onTestFinished } from 'vitest';
import { type HubOptions, loadConfig } from '../../hub/config.ts';
import { createHub, type Hub, type HubParts } from '../../hub/hub.ts';
import { socketDial } from '../../simulator/targets/socket-dial.ts';
import { RawClient } from './raw-client.ts';

/** The ways in which a hub can be reached: its own server, and its app in a server of someone else. */
export const WAYS = ['own server', 'http server', 'Express app'] as const;
export type Way = (typeof WAYS)[number];

export interface LoopbackHub {
  readonly hub: Hub;
  readonly endpoint: URL;
  readonly raw: RawClient;
}

/** A hub on a free port of this machine. The caller shuts it down with `stop`. */
export async function startHub(
  options: HubOptions = {},
  { way = 'own server', parts = {} }: { way?: Way; parts?: HubParts } = {},
): Promise<LoopbackHub & { stop(): Promise<void> }> {
  const hub = createHub(loadConfig({ logLevel: 'silent', port: 0, rateLimit: 'off', ...options }), parts);
  const { url, stop } = await serve(hub, way);
  const endpoint = new URL(url);
  return {
    hub,
    endpoint,
    raw: new RawClient(socketDial(endpoint), endpoint.pathname.replace(/\/mcp$/, '')),
    stop,
  };
}

/** The same for one test: stopped when that ends. */
export async function serveHub(...args: Parameters<typeof startHub>): Promise<LoopbackHub> {
  const hub = await startHub(...args);
  onTestFinished(hub.stop);
  return hub;
}

async function serve(hub: Hub, way: Way): Promise<{ url: string; stop: () => Promise<void> }> {
  switch (way) {
    case 'own server':
      return { url: await hub.listen(), stop: () => hub.shutdown() };
    case 'http server':
      return mount(hub, createServer(hub.app), '/mcp');
    case 'Express app':
      return mount(hub, createServer(express().use('/tools', hub.app)), '/tools/mcp');
  }
}

async function mount(hub: Hub, server: Server, path: string) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error(`no port: ${address}`);
  const stop = async () => {
    await hub.shutdown();
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  return { url: `http://127.0.0.1:${address.port}${path}`, stop };
}
