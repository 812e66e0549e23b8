import { createServer, type RequestListener } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { realClock } from '../../../simulator/clock/real.ts';
import {
  countSource,
  keepsVirtualTime,
  parseCountSource,
} from '../../../simulator/observers/count-source.ts';
import { readJsonPath } from '../../../simulator/observers/json-path.ts';
import { readMetric } from '../../../simulator/observers/prometheus.ts';
import { urlTarget } from '../../../simulator/targets/url.ts';

const METRICS = `# HELP sessions Live sessions.
# TYPE sessions gauge
sessions{kind="live",hub="a"} 3
sessions{kind="live",hub="b"} 4 1700000000000
sessions{kind="idle",hub="a"} 10
sessions_total 99
other 1.5e3 # {trace="x"} 0.5
`;

describe('a metric of a Prometheus endpoint', () => {
  it.each([
    ['sums all its samples', 'sessions', 17],
    ['takes those with a label', 'sessions{kind="live"}', 7],
    ['takes those with two labels, in any order', 'sessions{hub="b", kind="live"}', 4],
    ['is no other whose name begins alike', 'sessions_total', 99],
    ['reads exponents, and stops at exemplars', 'other', 1500],
  ])('%s', (_, selector, count) => {
    expect(readMetric(METRICS, selector, 0).count).toBe(count);
  });

  it('is as old as its time stamp says, in ms or in seconds', () => {
    expect(readMetric(METRICS, 'sessions', 1_700_000_002_000).stalenessMs).toBe(2_000);
    expect(readMetric('up 1 1700000000.5', 'up', 1_700_000_001_000).stalenessMs).toBe(500);
    expect(readMetric('up 1', 'up', 5).stalenessMs).toBe(0);
  });

  it('that is not there is an error which names those that are like it', () => {
    expect(() => readMetric(METRICS, 'session', 0)).toThrow(
      'there is no metric session; there are sessions, sessions_total',
    );
  });
});

describe('a path into JSON', () => {
  const text = JSON.stringify({ data: { sessions: { count: 5 }, list: [1, 2, 3] }, hubs: [{ n: 2 }] });

  it.each([
    ['data.sessions.count', 5],
    ['data.list', 3],
    ['hubs.0.n', 2],
  ])('%s is %i', (path, count) => {
    expect(readJsonPath(text, path)).toBe(count);
  });

  it.each([
    ['data.session.count', "there is no 'session' in data, which has sessions, list"],
    ['data.sessions', 'expected a number or a list at data.sessions, got {"count":5}'],
    ['data.sessions.count.x', "there is no 'x' in data.sessions.count, which is 5"],
    ['__proto__', "there is no '__proto__' in the document"],
  ])('%s is an error that says what is there', (path, message) => {
    expect(() => readJsonPath(text, path)).toThrow(message);
  });

  it('needs JSON', () => {
    expect(() => readJsonPath('<html>', 'a')).toThrow("expected JSON, got '<html>'");
  });
});

describe('--sessions-from', () => {
  it.each([
    ['prometheus:http://127.0.0.1:9090/metrics#up', false],
    ['prometheus:/metrics#sessions{kind="live"}', true],
    ['json:/status#data.count', true],
    ['cmd:redis-cli scard sessions', false],
  ])('%s is understood, and keeps virtual time: %s', (text, isVirtual) => {
    const request = parseCountSource(text);
    expect(request?.text).toBe(text);
    expect(request && keepsVirtualTime(request)).toBe(isVirtual);
  });

  it.each(['', 'prometheus:/metrics', 'json:status#a', 'json:ftp://x/y#a', 'cmd:', 'http://x#a'])(
    "'%s' is not understood",
    (text) => {
      expect(parseCountSource(text)).toBeUndefined();
    },
  );

  async function reading(text: (base: string) => string, listener: RequestListener) {
    const server = createServer(listener);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    const base = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    const request = parseCountSource(text(base));
    if (!request) throw new Error('not understood');
    const source = countSource(request, urlTarget(new URL(`${base}/mcp`)), realClock());
    onTestFinished(() => source.close());
    return source.read();
  }

  it('reads a document on the target, and anywhere else', async () => {
    const answer: RequestListener = ({ url }, response) =>
      void response.end(url === '/m?x=1' ? 'up 7' : '{"n":8}');
    expect(await reading(() => 'prometheus:/m?x=1#up', answer)).toMatchObject({ count: 7, stalenessMs: 0 });
    expect(await reading((base) => `json:${base}/n#n`, answer)).toMatchObject({ count: 8 });
  });

  it('says which source failed, and how', async () => {
    const answer: RequestListener = ({ url }, response) => {
      if (url === '/gone') response.statusCode = 404;
      response.end('{"n":-1}');
    };
    await expect(reading(() => 'json:/gone#n', answer)).rejects.toThrow('expected status 200');
    await expect(reading(() => 'json:/n#n', answer)).rejects.toThrow(
      'json:/n#n: expected a whole number >= 0, got -1',
    );
    await expect(reading(() => 'json:/n#m', answer)).rejects.toThrow("json:/n#m: there is no 'm'");
    await expect(reading(() => 'json:http://127.0.0.1:1/n#m', answer)).rejects.toThrow('no answer from');
  });

  it('takes the number that a command prints', async () => {
    const answer: RequestListener = (_, response) => void response.end();
    expect(await reading(() => 'cmd:echo 12', answer)).toMatchObject({ count: 12 });
    await expect(reading(() => 'cmd:echo twelve', answer)).rejects.toThrow("to print a number, got 'twelve'");
    await expect(reading(() => 'cmd:echo oh no >&2; exit 1', answer)).rejects.toThrow('failed: oh no');
  });

  it('gives what lets us in to the target, and to nobody else', async () => {
    const seen: unknown[] = [];
    const served = async () => {
      const server = createServer(({ headers, url }, response) => {
        seen.push([url, headers.authorization]);
        response.end('{"n":1}');
      });
      onTestFinished(() => void server.close());
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const address = server.address();
      return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    };
    const [own, other] = [await served(), await served()];
    for (const address of ['/path', `${own}/whole`, `${other}/elsewhere`]) {
      const request = parseCountSource(`json:${address}#n`);
      if (!request) throw new Error('not understood');
      const target = urlTarget(new URL(`${own}/mcp`));
      const source = countSource(request, target, realClock(), { Authorization: 'Bearer mine' });
      await source.read();
      source.close();
    }
    expect(seen).toEqual([
      ['/path', 'Bearer mine'],
      ['/whole', 'Bearer mine'],
      ['/elsewhere', undefined],
    ]);
  });
});
