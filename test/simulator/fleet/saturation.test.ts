import { createServer, type Server } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { run } from '../../../simulator/run.ts';
import { ScenarioError } from '../../../simulator/scenario/errors.ts';
import { parseScenario } from '../../../simulator/scenario/load.ts';
import { startHub } from '../../hub/hub-on-loopback.ts';

const scenario = (
  workload: string,
  flow = '[initialize, { call: { tool: echo, arguments: { message: hi } } }, delete]',
) =>
  parseScenario(
    `version: 1\nname: raw\ndescription: Of a test.\nworkloads:\n  raw: { ${workload}, flow: ${flow} }\nsettle: 500ms\nobserve: 50ms\n`,
    'raw.yaml',
  );
const VUS = 'executor: constant-vus, engine: autocannon, vus: 4, duration: 500ms';

const runOn = async (url: string, loaded: ReturnType<typeof scenario>) =>
  run({ loaded, mode: 'real', seed: 1, target: new URL(url) });

describe('A scenario with an engine is refused', () => {
  it('in virtual time', async () => {
    const virtual = run({ loaded: scenario(VUS), mode: 'virtual', seed: 1 });
    await expect(virtual).rejects.toThrow(/engine autocannon opens sockets of its own.*use --mode real/);
  });

  const rows: readonly [what: string, workload: string, flow: string | undefined, message: RegExp][] = [
    ['another engine', VUS.replace('autocannon', 'autocanon'), undefined, /autocanon/],
    [
      'another executor',
      'executor: per-vu-iterations, engine: autocannon, vus: 1, iterations: 1',
      undefined,
      /unknown key 'engine'/,
    ],
    ['no request', VUS, '[initialize, delete]', /holds the request that is repeated/],
    ['two requests', VUS, '[initialize, ping, ping]', /may stand after the request/],
    ['a stream', VUS, '[initialize, listen, ping]', /may stand before the request/],
    [
      'a call that is given up',
      VUS,
      '[initialize, { call: { tool: echo, abortAfter: 1s } }]',
      /gives up no call/,
    ],
    [
      'a rate below its connections',
      'executor: constant-arrival-rate, engine: autocannon, rate: 2, maxVUs: 4, duration: 1s',
      undefined,
      /at least maxVUs \(4\), got 2/,
    ],
    [
      'arrivals at random',
      'executor: constant-arrival-rate, engine: autocannon, rate: 8, maxVUs: 4, duration: 1s, arrivals: poisson',
      undefined,
      /no arrivals at random/,
    ],
  ];
  it.each(rows)('with %s', (_what, workload, flow, message) => {
    expect(() => scenario(workload, flow)).toThrow(ScenarioError);
    expect(() => scenario(workload, flow)).toThrow(message);
  });
});

describe('engine: autocannon', () => {
  it.each([
    ['as fast as answers come', VUS],
    ['at a rate', 'executor: constant-arrival-rate, engine: autocannon, rate: 40, maxVUs: 4, duration: 1s'],
  ])('%s: one session per connection, every request counted and checked', async (_what, workload) => {
    const { hub, endpoint, stop } = await startHub({});
    onTestFinished(stop);
    const result = await runOn(endpoint.href, scenario(workload));
    expect(result.checks.filter(({ verdict }) => verdict === 'fail')).toEqual([]);
    expect(hub.sessions.counters()).toMatchObject({ opened: 4, ended: { client: 4 } });
    const calls = result.metrics.trends.mcp_request_duration_ms?.methods['tools/call'];
    expect(calls?.count).toBeGreaterThan(10);
    expect(result.metrics.errors).toEqual({});
  });

  it.each([
    ['an answer to somebody else', (body: string) => body.replace(/"id":\d+/, '"id":99999'), 'wrong_answer'],
    ['no JSON-RPC', () => '{"fine":true}', 'wrong_answer'],
    [
      'a JSON-RPC error',
      (body: string) =>
        JSON.stringify({ jsonrpc: '2.0', id: JSON.parse(body).id, error: { code: -1, message: 'no' } }),
      'rpc_error',
    ],
  ])('takes %s for an error', async (_what, spoil, errorClass) => {
    const { endpoint, stop } = await startHub({});
    onTestFinished(stop);
    const result = await runOn(await spoiling(endpoint, spoil), scenario(VUS));
    expect(result.metrics.errors[errorClass]).toBeGreaterThan(4);
  });
});

/** A proxy before a hub, that spoils the answers to calls. */
async function spoiling(hub: URL, spoil: (body: string) => string): Promise<string> {
  const proxy: Server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    const { host, connection, 'content-length': length, ...headers } = request.headers;
    const answer = await fetch(new URL(request.url ?? '/', hub), {
      method: request.method ?? 'GET',
      headers: Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]),
      ...(body !== '' && { body }),
    });
    const text = await answer.text();
    const session = answer.headers.get('mcp-session-id');
    response.writeHead(answer.status, {
      'content-type': answer.headers.get('content-type') ?? 'text/plain',
      ...(session !== null && { 'mcp-session-id': session }),
    });
    response.end(body.includes('tools/call') ? spoil(text) : text);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const address = proxy.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}/mcp`;
}
