import { describe, expect, it } from 'vitest';
import { PROFILES } from '../../../simulator/fleet/profiles/profile.ts';
import { CLIENT_PROFILES, STARTING_OVER } from '../../../simulator/scenario/client-profile.ts';
import type { PlannedStep } from '../../../simulator/scenario/step.ts';
import { type Answer, smallServer } from './small-server.ts';
import { call, initialize, outcomes, play, think } from './stage.ts';

const echo = call('echo', { message: 'hello' });
const end: PlannedStep = { kind: 'delete' };
const expectGone: PlannedStep = { kind: 'expect-gone' };
const parallel = (...flows: PlannedStep[][]): PlannedStep => ({ kind: 'parallel', flows });
const sleep = (ms: number) => call('sleep', { ms });

describe('Flows side by side', () => {
  it('share one session, and each has a time of its own', async () => {
    const flow = [initialize, parallel([sleep(500)], [think(100), echo, think(100), echo]), echo];
    const { lines, facts } = await play(flow);
    expect(outcomes(lines)).toEqual([
      'initialize result at 0',
      'tools/call result at 100',
      'tools/call result at 200',
      'tools/call result at 500',
      'tools/call result at 500',
    ]);
    expect([facts.calls, facts.unanswered.count]).toEqual([4, 0]);
    expect(new Set(lines.map(({ vu }) => vu))).toEqual(new Set(['w/0#0']));
  });

  it('are over when the last of them is, also where they only wait', async () => {
    const { lines } = await play([initialize, parallel([think(300)], [think(700)]), echo]);
    expect(outcomes(lines).at(-1)).toBe('tools/call result at 700');
  });

  it('can stand one inside another', async () => {
    const { lines } = await play([
      initialize,
      parallel([parallel([sleep(100)], [sleep(200)])], [sleep(300)]),
    ]);
    expect(outcomes(lines).slice(1)).toEqual([100, 200, 300].map((ms) => `tools/call result at ${ms}`));
  });

  it('are all over with the session: nothing comes after a 404', async () => {
    const launch = smallServer({ 'tools/call': () => 404 });
    const { lines } = await play([initialize, parallel([echo, echo], [think(50)]), echo], { launch });
    expect(outcomes(lines)).toEqual(['initialize result at 0', 'tools/call http-error at 0 (http_404)']);
  });
});

describe('A call that is overtaken by DELETE', () => {
  const overtaken = [initialize, parallel([sleep(400)], [think(100), end])];

  it('is answered by the reference hub with an error, and that is no fault', async () => {
    const { lines, facts } = await play([...overtaken, expectGone]);
    expect(outcomes(lines).slice(1).sort()).toEqual([
      'DELETE accepted at 100',
      'ping http-error at 100',
      'tools/call rpc-error at 100',
    ]);
    expect([facts.calls, facts.unanswered.count, facts.unmetExpectations.count]).toEqual([1, 0, 0]);
  });

  it('may be answered with its result', async () => {
    const { facts } = await play(overtaken, { launch: smallServer({}) });
    expect([facts.calls, facts.unanswered.count]).toEqual([1, 0]);
  });

  it('may find the session gone', async () => {
    const launch = smallServer({ 'tools/call': () => 404 });
    const flow = [initialize, parallel([think(100), echo], [end]), expectGone];
    const { lines, facts } = await play(flow, { launch });
    expect(outcomes(lines)).toContain('tools/call http-error at 100');
    // It is no end for the flow: what it came to see is yet to be seen.
    expect([facts.unanswered.count, facts.expectations]).toEqual([0, 1]);
  });

  it.each<[string, Answer, string]>([
    ['is not answered at all', 'never', 'timeout at 60000 (timeout)'],
    [
      'is answered 200 with nothing in it',
      (response) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(),
      'empty at 0 (empty_answer)',
    ],
    ['has its connection cut', (response) => void response.destroy(), 'connection at 0 (connection_closed)'],
  ])('is a failure when it %s', async (_, answer, outcome) => {
    const launch = smallServer({ 'tools/call': () => answer });
    const { lines, facts } = await play([initialize, parallel([sleep(400)], [end])], { launch });
    expect(outcomes(lines)).toContain(`tools/call ${outcome}`);
    expect([facts.calls, facts.unanswered.count]).toEqual([1, 1]);
  });

  it('is a failure when its error came without a DELETE', async () => {
    const launch = smallServer({
      'tools/call': (_params, _request, id) => (response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32000, message: 'closed' } }));
      },
    });
    const { facts } = await play([initialize, parallel([echo], [think(10)])], { launch });
    expect(facts.unanswered.count).toBe(1);
  });
});

describe('Two DELETEs at once', () => {
  const twice = [initialize, parallel([end], [end]), expectGone];

  it.each([
    ['the second finds it gone', 404],
    ['both are told that it is done', 200],
  ])('are no fault when %s', async (_, second) => {
    let deletes = 0;
    const launch = smallServer({
      DELETE: () => {
        deletes += 1;
        return deletes === 1 ? 200 : second;
      },
      ping: () => 404,
    });
    const { lines } = await play(twice, { launch });
    expect(deletes).toBe(2);
    expect(outcomes(lines).filter((line) => line.includes('('))).toEqual([]);
  });

  it('are both answered by the reference hub', async () => {
    const { lines, facts } = await play(twice);
    expect(outcomes(lines).filter((line) => line.startsWith('DELETE'))).toHaveLength(2);
    expect(outcomes(lines).filter((line) => line.includes('('))).toEqual([]);
    expect([facts.expectations, facts.unmetExpectations.count]).toEqual([1, 0]);
  });
});

it('Parallel is refused for those profiles that start over at a 404', () => {
  const starting = CLIENT_PROFILES.filter((profile) => PROFILES[profile].atGone.kind === 'reinitialize');
  expect([...STARTING_OVER]).toEqual(starting);
});
