import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { writeReports } from '../../simulator/commands/run-reports.ts';
import { parseCountSource } from '../../simulator/observers/count-source.ts';
import { type RunResult, RunResultSchema } from '../../simulator/result.ts';
import { run } from '../../simulator/run.ts';
import { RequestError, type RunRequest } from '../../simulator/run-request.ts';
import { parseScenario } from '../../simulator/scenario/load.ts';
import { smallServer } from './fleet/small-server.ts';
import { guarded, type Visit } from './guarded.ts';

const ALICE = 'alice-token-of-this-test';
const BOB = 'bob-token-of-this-test-2';
const TOKENS = `hub: { authTokens: { alice: ${ALICE}, bob: ${BOB} } }`;

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'mcp-soak-auth-'));
});
afterAll(() => rmSync(dir, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

const newDir = () => mkdtempSync(join(dir, 'run-'));

/** Sessions that live for a while, so that looks see them. */
function workload(name: string, client = '', flow = 'initialize, { think: 4s }, delete'): string {
  return `  ${name}: { executor: per-vu-iterations, vus: 5, iterations: 2, ${client} flow: [${flow}] }`;
}

const withToken = (token: string, name = 'Authorization') =>
  `client: { headers: { ${name}: Bearer ${token} } },`;

function scenario(workloads: readonly string[], rest = '') {
  const text = `version: 1
name: own
description: Of a test.
${rest}
workloads:
${workloads.join('\n')}
settle: 2s
observe: 500ms
`;
  return parseScenario(text, 'own.yaml');
}

type Ask = Pick<RunRequest, 'loaded'> & Partial<RunRequest>;

/** Runs in virtual time, unless told otherwise, and writes every report there is. */
async function ran(request: Ask, outDir = newDir()): Promise<RunResult> {
  const result = await run({ mode: 'virtual', seed: 1, outDir, ...request });
  const reports = ['junit', 'markdown', 'ctrf', 'openmetrics'] as const;
  writeReports(result, { runDir: outDir, reports }, { err: process.stderr, env: {} });
  return result;
}

/** All that was written, file by file. */
function written(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => statSync(join(folder, name)).isFile());
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

function filesWith(secret: string, folder: string): string[] {
  return Object.entries(written(folder)).flatMap(([name, text]) => (text.includes(secret) ? [name] : []));
}

const troubles = ({ checks }: RunResult) => checks.filter(({ verdict }) => verdict !== 'pass');

describe('a hub that demands tokens', { timeout: 30_000 }, () => {
  const both = [workload('a', withToken(ALICE)), workload('b', withToken(BOB, 'authorization'))];

  it('passes under the load of two identities, and is looked at with the first of them', async () => {
    const result = await ran({ loaded: scenario(both, TOKENS) });
    expect([result.verdict, troubles(result)]).toEqual(['pass', []]);
    expect(result.target.sessionsAre).toBe('listed');
    expect(result.sessions).toMatchObject({ opened: 20, refused: 0, deleted: 20 });
    expect(Math.max(...result.series.map(({ observed }) => observed))).toBe(10);
  });

  it('is not seen where the look is made with a token that it does not know', async () => {
    const headers = { authorization: `Bearer ${ALICE}-not` };
    expect((await ran({ loaded: scenario(both, TOKENS), headers })).target.sessionsAre).toBe('counted');
  });

  it('takes the header of the run for workloads that have none', async () => {
    const loaded = scenario([workload('a'), workload('b', withToken(BOB))], TOKENS);
    const result = await ran({ loaded, headers: { Authorization: `Bearer ${ALICE}` } });
    expect([result.verdict, result.sessions.opened, result.target.sessionsAre]).toEqual([
      'pass',
      20,
      'listed',
    ]);
    expect(result.replay).toBe(
      "npx mcp-soak run own.yaml --mode virtual --seed 1 --header 'Authorization: …'",
    );
  });

  it('demands none that is only in our own environment', async () => {
    vi.stubEnv('MCP_HUB_AUTH_TOKEN', ALICE);
    expect((await ran({ loaded: scenario([workload('a')]) })).verdict).toBe('pass');
  });
});

describe('a target that does not let us in', { timeout: 30_000 }, () => {
  const refused = (request: Ask) =>
    ran(request).then(
      () => 'nothing was refused',
      (error: unknown) => (error instanceof RequestError ? error.message : error),
    );

  it('is a bad request that says what came, and what to do', async () => {
    const message = await refused({ loaded: scenario([workload('a')], TOKENS) });
    expect(message).toMatch(
      /^The target at http:\/\/localhost\/mcp answered the first request, initialize of a\/\d#0, with 401 \(.*bearer token.*\): it demands authentication\. Give it a token that it takes: --header 'Authorization: Bearer …', or client: \{ headers: … \} of the workload\.$/,
    );
  });

  it('says so too where a token was given, and does not repeat it', async () => {
    const says = `no such token: ${BOB}`;
    const launch = guarded(['authorization', `Bearer ${ALICE}`], [], { status: 403, says });
    const headers = { Authorization: `Bearer ${BOB}` };
    const message = await refused({
      loaded: scenario([workload('a')]),
      headers,
      target: { name: 'g', launch },
    });
    expect(message).toContain(
      'with 403 (no such token: …): it does not allow that. --header Authorization was given. Give it a token',
    );
  });

  it('is none where the scenario asked for that answer', async () => {
    const raw =
      '{ raw: { method: POST, body: "{}", headers: { Authorization: none }, expect: { status: 401 } } }';
    const loaded = scenario(
      [workload('a', withToken(ALICE), `${raw}, initialize, { think: 4s }, delete`)],
      TOKENS,
    );
    const result = await ran({ loaded });
    expect(troubles(result)).toEqual([]);
  });

  it('is judged where it let somebody in before', async () => {
    const late = 'client: { name: late }, startTime: 1s,';
    const loaded = scenario([workload('a', withToken(ALICE)), workload('b', late)], TOKENS);
    const result = await ran({ loaded });
    expect(result.errorGroups).toMatchObject([{ method: 'initialize', class: 'http_401', count: 10 }]);
    expect(result.sessions).toMatchObject({ opened: 10, refused: 10 });
  });
});

describe('a header of the run', { timeout: 30_000 }, () => {
  const key = ['X-Api-Key', 'key-of-this-test'] as const;
  const headers = Object.fromEntries([key]);

  it('goes with every request: clients, probes, raw ones, canaries, and looks at what the target shows', async () => {
    const visits: Visit[] = [];
    const target = { name: 'guarded', launch: guarded(key, visits, { hides: '/sessions' }) };
    const raw = '{ raw: { method: GET, path: /nothing, expect: { status: 404 } } }';
    const flow = `initialize, listen, ${raw}, ping, { think: 1s }, expect-alive, abandon: silent`;
    const loaded = scenario([workload('a', '', flow.replace('abandon: silent', '{ abandon: silent }'))], '');
    const result = await ran({ loaded, target, headers });
    expect(result.target.sessionsAre).toBe('counted');
    expect(result.canaries?.opened).toBeGreaterThan(0);
    const asked = new Set(visits.map(({ what }) => what));
    expect([...asked].sort()).toEqual(
      expect.arrayContaining(['DELETE /mcp', 'GET /health', 'GET /mcp', 'GET /nothing', 'POST /mcp']),
    );
    expect(visits.filter(({ header }) => header !== key[1])).toEqual([]);
  });

  it('goes with looks at a count of sessions on the target', async () => {
    const visits: Visit[] = [];
    const target = { name: 'guarded', launch: guarded(key, visits) };
    const sessionsFrom = parseCountSource('json:/health#sessions');
    if (!sessionsFrom) throw new Error('no count source');
    const loaded = scenario([workload('a')]);
    const result = await ran({ loaded, target, headers, observers: { sessionsFrom } });
    expect(Math.max(...result.series.map(({ observed }) => observed))).toBe(5);
    expect(visits.filter(({ header }) => header !== key[1])).toEqual([]);
  });

  it('gives way to that of a workload, whatever the case of its name', async () => {
    const seen = new Set<string>();
    const launch = smallServer({
      initialize: (_params, { rawHeaders }) => {
        const at = rawHeaders.flatMap((text, index) => (/^authorization$/i.test(text) ? [index] : []));
        seen.add(at.map((index) => `${rawHeaders[index]}: ${rawHeaders[index + 1]}`).join(' + '));
        return { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 's', version: '1' } };
      },
    });
    const loaded = scenario([workload('a', withToken('own', 'AUTHORIZATION')), workload('b')]);
    await ran({ loaded, headers: { Authorization: 'Bearer shared' }, target: { name: 'small', launch } });
    expect([...seen].sort()).toEqual(['AUTHORIZATION: Bearer own', 'Authorization: Bearer shared']);
  });

  it.each([
    ['Host', 'x', /--header: got Host, which the client sets itself/],
    ['Mcp-Session-Id', 'x', /got Mcp-Session-Id/],
    ['a b', 'secret-value', /^--header: got what is no header, allowed: 'Authorization: Bearer …'\.$/],
    ['X', 'line\r\nOther: secret-value', /^--header: got what is no header/],
  ])('is refused before anything runs when it is %s', async (name, value, message) => {
    const request = { loaded: scenario([workload('a')]), headers: { [name]: value } };
    const error: unknown = await ran(request).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RequestError);
    expect(error).toHaveProperty('message', expect.stringMatching(message));
    expect(error).toHaveProperty('message', expect.not.stringContaining('secret-value'));
  });
});

describe('what must not be shown', { timeout: 60_000 }, () => {
  /** A module that tells everybody what it was told: in its log, in errors, in the text of wrong answers. */
  const TALKATIVE = `
    import { createServer } from 'node:http';
    export default createServer(async (request, response) => {
      let text = '';
      for await (const piece of request) text += piece;
      const { method, id } = text === '' ? {} : JSON.parse(text);
      console.log('got', request.headers.authorization, request.headers.cookie);
      if (method === 'initialize') {
        const result = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 's', version: '1' } };
        response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': String(Math.random()) });
        return response.end(JSON.stringify({ jsonrpc: '2.0', id, result }));
      }
      if (text.includes('notifications/')) return response.writeHead(202).end();
      if (method === 'tools/call') return response.writeHead(200, { 'content-type': 'text/' + request.headers.authorization.slice(7) }).end('x');
      response.writeHead(500).end('cannot serve ' + request.headers.authorization);
    });`;

  it.each(['virtual', 'real'] as const)(
    'is in no file, in %s time, whatever a target tells',
    async (mode) => {
      const module = join(newDir(), 'talkative.mjs');
      writeFileSync(module, TALKATIVE);
      const flow = 'initialize, { list: tools }, { call: { tool: any } }';
      const own = `client: { headers: { Authorization: 'Bearer ${ALICE}', Cookie: &c "id=${BOB}" } },`;
      const raw = `{ raw: { method: GET, headers: { Authorization: Bearer raw-token-of-this }, expect: { status: 500 } } }`;
      const loaded = scenario([workload('a', own, flow), workload('b', '', `initialize, ${raw}, ping`)]);
      const outDir = newDir();
      const headers = { Authorization: 'Basic shared-by-all-of-them' };
      const result = await ran({ loaded, mode, headers, target: { module, path: '/mcp' } }, outDir);
      const wrong = result.checks.find(({ name }) => name === 'answers_correct');
      expect(RunResultSchema.parse(JSON.parse(JSON.stringify(result)))).toEqual(result);
      // It did tell.
      expect(written(outDir)['target.log']).toContain('got …');
      expect(result.errorGroups?.map(({ said }) => said)).toContain('cannot serve …');
      expect(wrong?.evidence[0]).toContain('text/…');
      for (const secret of [ALICE, BOB, 'shared-by-all-of-them', 'raw-token-of-this']) {
        expect(filesWith(secret, outDir), secret).toEqual([]);
      }
    },
  );

  it('is no part of the scenario that reports show, however short it is', async () => {
    const loaded = scenario([workload('a', "client: { headers: { X-Pin: '4711' } },")]);
    const { text } = (await ran({ loaded })).scenario;
    expect(text).toBe(loaded.source.text.replace("'4711'", '…'));
  });

  it('is in no file of the bundled hub, nor in its command line', async () => {
    const outDir = newDir();
    const commandLines = new Set<string>();
    const engine = `  b: { executor: constant-vus, vus: 2, duration: 300ms, engine: autocannon, ${withToken(BOB)} flow: [initialize, ping, delete] }`;
    const own = workload('a', withToken(ALICE), 'initialize, { think: 300ms }, delete');
    const loaded = scenario([own, engine], TOKENS);
    vi.stubEnv('MCP_HUB_AUTH_TOKEN', 'a-token-for-another-hub');
    const result = await ran(
      {
        loaded,
        mode: 'real',
        onProgress: () => {
          for (const child of childCommandLines()) commandLines.add(child);
        },
      },
      outDir,
    );
    expect([result.verdict, result.target.sessionsAre]).toEqual(['pass', 'listed']);
    expect(result.metrics.errors).toEqual({});
    expect([...commandLines].filter((line) => line.includes('hub/main.ts'))).not.toEqual([]);
    expect([...commandLines].filter((line) => line.includes(ALICE) || line.includes(BOB))).toEqual([]);
    expect([...filesWith(ALICE, outDir), ...filesWith(BOB, outDir)]).toEqual([]);
  });
});

function childCommandLines(): string[] {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8');
  return children
    .trim()
    .split(/\s+/)
    .filter(Boolean)
    .map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
}
