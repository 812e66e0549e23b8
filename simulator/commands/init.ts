import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, relative, resolve, sep } from 'node:path';
import { EXIT } from '../exit-code.ts';
import { RequestError } from '../run-request.ts';
import { SCHEMA_FILE } from './files.ts';
import type { Console } from './run.ts';

export interface InitOptions {
  readonly force?: boolean;
}

/**
 * Writes a first scenario for the user's server.
 * @throws RequestError when there is a file of that name already, or none can be written
 */
export function initScenario(file: string, { force }: InitOptions, { out }: Console): number {
  if (existsSync(file) && force !== true) {
    throw new RequestError(`${file} is there already: name another file, or add --force to write over it.`);
  }
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, firstScenario(scenarioName(file), schemaPath(file)));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new RequestError(`${file} cannot be written: ${message}`);
  }
  out.write(nextSteps(file));
  return EXIT.pass;
}

/** A scenario is named as its file, as far as the rules for names allow. */
function scenarioName(file: string): string {
  const name = basename(file, extname(file))
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, 100);
  return name === '' ? 'soak' : name;
}

/** Where the schema is, seen from the file; undefined where it is outside of this folder, and so not there to stay. */
function schemaPath(file: string): string | undefined {
  const isNear = !relative('', SCHEMA_FILE).startsWith('..');
  if (!isNear) return undefined;
  const path = relative(dirname(resolve(file)), SCHEMA_FILE)
    .split(sep)
    .join('/');
  return path.startsWith('.') ? path : `./${path}`;
}

function nextSteps(file: string): string {
  return `${file} is written. What to do next:

  npx mcp-soak run ${file}
      tries it against the bundled hub, in virtual time: it passes in a second or two
  npx mcp-soak run ${file} --module ./server.ts --policy sessionTimeout=5m cleanupInterval=1m deadPeer=2m
      holds your server to what you say that it promises, in virtual time
  npx mcp-soak run ${file} --target http://127.0.0.1:3000/mcp --policy sessionTimeout=30s cleanupInterval=5s deadPeer=20s
      loads a server that runs
`;
}

/** The file itself. It passes against the reference hub as it stands. */
function firstScenario(name: string, schema: string | undefined): string {
  const hint =
    schema === undefined
      ? '# Editors check this file with: npx mcp-soak schema --out scenario.schema.json'
      : `# yaml-language-server: $schema=${schema}`;
  return `${hint}
#
# ${name}: does every session end as it should?
#
# Times may be written in what your server promises, so that the file fits any server:
#   T  idle timeout: a session nobody uses for so long may be ended       --policy sessionTimeout=30s
#   C  how often the server looks for such sessions                       --policy cleanupInterval=5s
#   H  how long a handshake may stay unfinished                           --policy handshakeTimeout=10s
#   D  how long a dead peer's open stream may go on protecting            --policy deadPeer=20s
# Where the server publishes them in GET /health, as the bundled hub does, --policy is not needed.
version: 1
name: ${name}
description: Clients that work and say goodbye, clients that vanish, and one that stays.

# The bundled hub is set up like this when it is the target; your own server is not touched.
hub:
  real: { sessionTimeout: 2s, cleanupInterval: 500ms, handshakeTimeout: 1s, heartbeat: 250ms }

workloads:
  # Ordinary clients: they come, call a tool, and end their session.
  polite:
    executor: constant-arrival-rate # so many a second, however slow the server is
    rate: 10
    duration: 30s
    maxVUs: 50 # no more at once; an arrival that finds none free is counted as dropped
    real: { duration: 5s } # other numbers for real time
    flow:
      - initialize
      # Name a tool of your server. One named echo must give its message back: then answers are checked, too.
      - call: { tool: echo, arguments: { message: hello } }
      - delete
      - expect-gone # an ended session answers 404

  # Most real clients never say goodbye. The server has to find out by itself.
  vanishing:
    executor: constant-arrival-rate
    rate: 5
    duration: 30s
    maxVUs: 50
    real: { duration: 5s }
    flow:
      - initialize
      - listen # the stream on which the server may speak
      - abandon: destroyed # or silent (connections stay), or frozen (open, but never read again)

  # Somebody who is slow, but there: must not be taken for dead.
  patient:
    executor: per-vu-iterations # so many clients, each so many times
    vus: 10
    iterations: 1
    flow:
      - initialize
      - repeat:
          times: 3
          steps:
            - call: { tool: echo, arguments: { message: still here } }
            - think: 0.6T
      - expect-alive
      - delete

# How long the server is watched after the last client is done: long enough for all that vanished to be reaped.
settle: D + T + 2C
# How often its sessions are looked at.
observe: { virtual: 6s, real: 100ms }

# Every check that applies is made (npx mcp-soak list, README). Limits on metrics are yours to set:
thresholds:
  mcp_request_errors: [rate == 0]
  mcp_request_duration_ms: ['p(95) < 500ms']
`;
}
