import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

/** A server that we did not write, started as its README says. */
export interface Subject {
  readonly name: string;
  /** Whose version is shown. */
  readonly package: string;
  /** Options of `mcp-soak audit` for a process that listens there. */
  readonly options: (port: number) => readonly string[];
}

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const bin = (name: string) => `node_modules/.bin/${name}`;
const at = (port: number, host = '127.0.0.1') => ['--url', `http://${host}:${port}/mcp`];
const LONG_RUNNING = ['--slow-tool', 'trigger-long-running-operation {"duration":$S,"steps":1}'];

export const SUBJECTS: readonly Subject[] = [
  {
    name: 'server-everything',
    package: '@modelcontextprotocol/server-everything',
    options: (port) => [
      '--command',
      `PORT=${port} ${bin('mcp-server-everything')} streamableHttp`,
      ...at(port),
      ...LONG_RUNNING,
    ],
  },
  {
    name: 'SDK v1, example simpleStreamableHttp',
    package: '@modelcontextprotocol/sdk',
    options: (port) => [
      '--command',
      `MCP_PORT=${port} node node_modules/@modelcontextprotocol/sdk/dist/esm/examples/server/simpleStreamableHttp.js`,
      ...at(port),
      '--policy',
      'sessionTimeout=30m',
      'cleanupInterval=1m',
      'maxSessions=1000',
    ],
  },
  {
    name: 'SDK v2, sessions as its guide shows them',
    package: '@modelcontextprotocol/server',
    options: (port) => ['--command', `PORT=${port} node sdk-v2-server.mjs`, ...at(port)],
  },
  {
    name: 'fastmcp',
    package: 'fastmcp',
    options: (port) => ['--command', `PORT=${port} node fastmcp-server.mjs`, ...at(port)],
  },
  {
    name: 'mcp-proxy',
    package: 'mcp-proxy',
    options: (port) => [
      '--command',
      `${bin('mcp-proxy')} --port ${port} --host 127.0.0.1 -- node stdio-server.mjs`,
      ...at(port),
    ],
  },
  {
    name: 'supergateway, stateful',
    package: 'supergateway',
    options: (port) => [
      '--command',
      `${bin('supergateway')} --stdio 'node stdio-server.mjs' --outputTransport streamableHttp --stateful --sessionTimeout 2000 --port ${port}`,
      ...at(port),
      '--session-timeout',
      '2s',
    ],
  },
  {
    name: 'Playwright MCP',
    package: '@playwright/mcp',
    options: (port) => [
      '--command',
      `${bin('playwright-mcp')} --port ${port} --headless`,
      ...at(port, 'localhost'),
    ],
  },
];

const PackageSchema = z.object({ version: z.string() });

/** The version that is installed. */
export function versionOf(subject: Subject): string {
  const text = readFileSync(`${FOLDER}node_modules/${subject.package}/package.json`, 'utf8');
  return PackageSchema.parse(JSON.parse(text)).version;
}
