import { describe, expect, it } from 'vitest';
import { isObject, type JsonObject } from '../../../simulator/mcp/json-rpc.ts';
import type { PlannedStep } from '../../../simulator/scenario/step.ts';
import { smallServer } from './small-server.ts';
import { call, initialize, outcomes, play, think } from './stage.ts';

const echo = call('echo', { message: 'hello' });
const expectGone: PlannedStep = { kind: 'expect-gone' };
const expectAlive: PlannedStep = { kind: 'expect-alive' };
const end: PlannedStep = { kind: 'delete' };
const listen: PlannedStep = { kind: 'listen' };
const abandon = (how: 'silent' | 'destroyed' | 'frozen'): PlannedStep => ({ kind: 'abandon', how });

describe('each step against the reference hub', () => {
  const table: [string, PlannedStep[], string[]][] = [
    ['initialize', [], []],
    ['call', [echo], ['tools/call result at 0']],
    ['a call that takes its time', [call('sleep', { ms: 1_500 })], ['tools/call result at 1500']],
    [
      'a call given up on purpose, which is no fault',
      [call('sleep', { ms: 1_500 }, { abortAfterMs: 200 })],
      ['tools/call aborted at 200'],
    ],
    [
      'a call that times out, which is one',
      [call('sleep', { ms: 1_500 }, { timeoutMs: 700 })],
      ['tools/call timeout at 700 (timeout)'],
    ],
    ['list', [{ kind: 'list', what: 'tools' }], ['tools/list result at 0']],
    ['listen', [listen], ['GET accepted at 0']],
    [
      'notify',
      [{ kind: 'notify', method: 'notifications/roots/list_changed', params: null }],
      ['notifications/roots/list_changed accepted at 0'],
    ],
    ['think', [think(5_000), echo], ['tools/call result at 5000']],
    [
      'repeat',
      [{ kind: 'repeat', times: 3, steps: [think(10), echo] }],
      ['tools/call result at 10', 'tools/call result at 20', 'tools/call result at 30'],
    ],
    ['delete', [end], ['DELETE accepted at 0']],
    ['expect-alive', [expectAlive], ['ping result at 0']],
    ['expect-gone after delete', [end, expectGone], ['DELETE accepted at 0', 'ping http-error at 0']],
    [
      'expect-gone of a session that lives, which is a fault of nobody’s request',
      [expectGone],
      ['ping result at 0'],
    ],
  ];

  it.each(table)('%s', async (_, flow, expected) => {
    const { lines } = await play([initialize, ...flow]);
    expect(outcomes(lines)).toEqual(['initialize result at 0', ...expected]);
  });

  it('completes the handshake, or leaves it half done', async () => {
    const handshakes = async (handshake: 'full' | 'half') => {
      const { lines } = await play([{ kind: 'initialize', handshake }]);
      return lines.filter(({ kind }) => kind === 'request-sent').length;
    };
    expect([await handshakes('full'), await handshakes('half')]).toEqual([1, 0]);
  });

  it.each(['silent', 'destroyed'] as const)('leaves without a word when told to abandon: %s', async (how) => {
    const { lines } = await play([initialize, listen, abandon(how)]);
    expect(lines.slice(-2).map(({ kind, by, how: said }) => [kind, by ?? said])).toEqual([
      ['stream-closed', 'vanished'],
      ['abandoned', how],
    ]);
  });

  it('leaves a stream open and unread when told to freeze', async () => {
    const { lines } = await play([initialize, listen, abandon('frozen')]);
    expect(lines.map(({ kind }) => kind)).not.toContain('stream-closed');
    expect(lines.at(-1)).toMatchObject({ kind: 'abandoned', how: 'frozen' });
  });

  it('leaves without a word when the flow just ends', async () => {
    const { lines } = await play([initialize, echo]);
    expect(lines.at(-1)).toMatchObject({ kind: 'abandoned', how: 'silent' });
  });

  it('thinks between the two times, as the seed says', async () => {
    const flow: PlannedStep[] = [initialize, { kind: 'think', minMs: 100, maxMs: 900 }, echo];
    const ends = async () =>
      (await play(flow)).lines.filter(({ method }) => method === 'tools/call').map(({ t }) => t);
    const [first] = await ends();
    expect(first).toBeGreaterThanOrEqual(100);
    expect(first).toBeLessThanOrEqual(900);
    expect(await ends()).toEqual([first]);
  });
});

describe('the end of a session', () => {
  it('is checked by a new client, once the old one has left', async () => {
    let dialled = 0;
    const flow = [initialize, echo, abandon('silent'), think(400_000), expectGone, expectGone];
    const { lines, facts } = await play(flow, {
      story: async ({ fleet, dials }) => {
        await fleet.runCycle();
        dialled = dials();
      },
    });
    expect(outcomes(lines).slice(2)).toEqual(['ping http-error at 400000', 'ping http-error at 400000']);
    expect([facts.expectations, facts.goneProbes, facts.unmetExpectations.count]).toEqual([2, 2, 0]);
    expect(dialled).toBe(2);
  });

  it.each([
    ['expected gone, still there', [initialize, abandon('silent'), think(1_000), expectGone]],
    ['expected alive, gone', [initialize, end, expectAlive]],
    ['expected alive, reaped meanwhile', [initialize, think(400_000), expectAlive]],
  ])('is an unmet expectation when it is not as expected: %s', async (_, flow) => {
    const { facts } = await play(flow);
    expect([facts.expectations, facts.unmetExpectations.count]).toEqual([1, 1]);
    expect(facts.unmetExpectations.evidence[0]).toMatch(/^w\/0#0: expected (gone|alive) at /);
  });

  it('ends the flow at the first 404: nobody goes on with a session that is gone', async () => {
    const launch = smallServer({ 'tools/call': () => 404 });
    const { lines } = await play([initialize, echo, echo, end], { launch });
    expect(outcomes(lines)).toEqual(['initialize result at 0', 'tools/call http-error at 0 (http_404)']);
  });

  it('ends the flow inside a repeat, too', async () => {
    let calls = 0;
    const launch = smallServer({
      'tools/call': () => {
        calls += 1;
        return calls === 3 ? 404 : { content: [{ type: 'text', text: 'ok' }] };
      },
    });
    const flow: PlannedStep[] = [initialize, { kind: 'repeat', times: 9, steps: [call('work', {})] }, end];
    const { lines } = await play(flow, { launch });
    expect(outcomes(lines)).toHaveLength(4);
  });

  it('goes on after any other refusal', async () => {
    const launch = smallServer({ 'tools/call': () => 500 });
    const { lines } = await play([initialize, echo, end], { launch });
    expect(outcomes(lines).slice(1)).toEqual([
      'tools/call http-error at 0 (http_500)',
      'DELETE accepted at 0',
    ]);
  });

  it('takes 405 to DELETE for an answer: a server need not let clients end sessions', async () => {
    const launch = smallServer({ DELETE: () => 405 });
    const { lines } = await play([initialize, end], { launch });
    expect(outcomes(lines).at(-1)).toBe('DELETE http-error at 0');
  });

  it('ends the flow when there is no session to begin with', async () => {
    const launch = smallServer({ initialize: () => 503 });
    const { lines } = await play([initialize, echo, end], { launch });
    expect(outcomes(lines)).toEqual(['initialize http-error at 0 (http_503)']);
  });
});

describe('an echo', () => {
  const textOf = ({ arguments: args }: JsonObject) => (isObject(args) ? String(args.message) : '');
  const content = (text: string) => ({ content: [{ type: 'text', text }] });
  const twoUsers = { kind: 'per-vu-iterations', vus: 2, iterations: 1 } as const;

  it('is right when it brings back what its session said', async () => {
    const launch = smallServer({ 'tools/call': (params) => content(textOf(params)) });
    const { facts } = await play([initialize, echo, echo], { launch, executor: twoUsers });
    expect([facts.calls, facts.wrongAnswers.count]).toEqual([4, 0]);
  });

  it('is wrong when it brings what another session said at the same moment', async () => {
    let before = '';
    const crossing = smallServer({
      'tools/call': (params) => {
        const said = before;
        before = textOf(params);
        return content(said || before);
      },
    });
    const { facts, lines } = await play([initialize, echo], { launch: crossing, executor: twoUsers });
    expect([facts.calls, facts.wrongAnswers.count]).toEqual([2, 1]);
    expect(facts.wrongAnswers.evidence[0]).toBe(
      'w/1#0: echo call sent at 0.000 s got a wrong answer: the echo lacks its tag [w/1#0 call 1]',
    );
    expect(outcomes(lines).filter((line) => line.includes('wrong'))).toHaveLength(1);
  });

  it('is wrong when it brings what the session itself said earlier', async () => {
    let first: string | undefined;
    const stale = smallServer({
      'tools/call': (params) => {
        first ??= textOf(params);
        return content(first);
      },
    });
    const { facts } = await play([initialize, echo, think(1), echo], { launch: stale });
    expect(facts.wrongAnswers.count).toBe(1);
  });
});
