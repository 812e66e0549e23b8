import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EventLog } from '../../simulator/event-log.ts';
import { Ledger } from '../../simulator/judge/ledger.ts';
import { Metrics } from '../../simulator/judge/metrics.ts';
import { PolicySchema } from '../../simulator/judge/policy.ts';
import type { Ending, Outcome } from '../../simulator/mcp/outcome.ts';
import { Recorder } from '../../simulator/recorder.ts';

/** A signal takes this long to arrive. */
const NOTICE_MS = 50;
const OK: Ending = { kind: 'result', status: 200, result: {} };

let dir: string;
let log: EventLog;
let metrics: Metrics;
let recorder: Recorder;
let session: number;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'mcp-soak-recorder-'));
  log = new EventLog(join(dir, 'events.jsonl'));
  metrics = new Metrics();
  const ledger = new Ledger({ policy: PolicySchema.parse({}), epsilonMs: 0, onReapLag: () => undefined });
  recorder = new Recorder(ledger, metrics, log, { noticeMs: NOTICE_MS });
  session = recorder.newSession({ workload: 'polite', vu: 3, iteration: 7 });
});
afterEach(() => {
  log.close();
  rmSync(dir, { recursive: true });
});

const facts = () => recorder.facts({ drainMs: 1_000, watchedUntil: 9_000 });
const drain = () => {
  const { drain: found } = facts();
  if (!found) throw new Error('no signal was seen');
  return found;
};
const outcome = (ending: Ending, sentAt = 1_000, doneAt = sentAt + 10): Outcome => ({
  ...ending,
  sentAt,
  doneAt,
});
const signal = (at: number) => recorder.targetEvent({ kind: 'signalled', at, signal: 'SIGTERM' });

function callOf(ending: Ending, sentAt = 1_000, doneAt = sentAt + 10): void {
  const call = recorder.callSent(session, sentAt);
  recorder.callDone(session, 'echo call', outcome(ending, sentAt, doneAt), { call });
}

function logged(): Record<string, unknown>[] {
  log.close();
  const text = readFileSync(join(dir, 'events.jsonl'), 'utf8').trim();
  log = new EventLog();
  return text === '' ? [] : text.split('\n').map((line) => JSON.parse(line));
}

describe('a call', () => {
  it.each<[string, Ending, 'right' | 'wrong' | 'unanswered' | 'not counted']>([
    ['a result', OK, 'right'],
    [
      'an error of the tool’s, which is an answer',
      { kind: 'rpc-error', status: 200, code: -32602, message: '' },
      'right',
    ],
    ['a refusal, which is an answer', { kind: 'http-error', status: 404, body: '' }, 'right'],
    [
      '"connection closed" in the session’s name',
      { kind: 'rpc-error', status: 200, code: -32000, message: '' },
      'unanswered',
    ],
    ['nothing in time', { kind: 'timeout' }, 'unanswered'],
    ['200 with nothing in it', { kind: 'empty', status: 200 }, 'unanswered'],
    ['a broken connection', { kind: 'connection', code: 'ECONNRESET', message: '' }, 'unanswered'],
    ['somebody else’s answer', { kind: 'wrong-answer', status: 200, reason: 'id 2' }, 'wrong'],
    ['nothing, for its client gave up', { kind: 'aborted' }, 'not counted'],
  ])('that gets %s', (_, ending, expected) => {
    callOf(ending);
    const { calls, unanswered, wrongAnswers } = facts();
    const seen = wrongAnswers.count > 0 ? 'wrong' : unanswered.count > 0 ? 'unanswered' : 'right';
    expect(calls === 0 ? 'not counted' : seen).toBe(expected);
  });

  it('is told of with the name of its session, its time and its end', () => {
    callOf({ kind: 'timeout' }, 2_000, 62_000);
    callOf({ kind: 'connection', code: 'EPIPE', message: '' }, 3_000, 3_500);
    expect(facts().unanswered.evidence).toEqual([
      'polite/3#7: echo call sent at 2.000 s had no answer by 62.000 s',
      'polite/3#7: echo call sent at 3.000 s lost its connection at 3.500 s (EPIPE)',
    ]);
  });

  it('keeps ten cases in words, and counts them all', () => {
    for (let n = 0; n < 25; n += 1) callOf({ kind: 'timeout' });
    expect([facts().unanswered.count, facts().unanswered.evidence.length]).toEqual([25, 10]);
  });
});

describe('an expectation', () => {
  const GONE: Ending = { kind: 'http-error', status: 404, body: '' };
  it.each<[string, 'gone' | 'alive', Ending, { met: boolean; goneNot404: number }]>([
    ['gone and 404', 'gone', GONE, { met: true, goneNot404: 0 }],
    ['gone, but 400', 'gone', { kind: 'http-error', status: 400, body: '' }, { met: false, goneNot404: 1 }],
    ['gone, but 500', 'gone', { kind: 'http-error', status: 500, body: '' }, { met: false, goneNot404: 1 }],
    ['gone, but alive: not a matter of the status', 'gone', OK, { met: false, goneNot404: 0 }],
    ['gone, but no answer', 'gone', { kind: 'timeout' }, { met: false, goneNot404: 0 }],
    ['alive and answered', 'alive', OK, { met: true, goneNot404: 0 }],
    ['alive, but gone', 'alive', GONE, { met: false, goneNot404: 0 }],
    ['alive, but no answer', 'alive', { kind: 'timeout' }, { met: false, goneNot404: 0 }],
  ])('of %s', (_, expected, ending, { met, goneNot404 }) => {
    recorder.expectation(session, expected, outcome(ending));
    const seen = facts();
    expect([seen.expectations, seen.unmetExpectations.count]).toEqual([1, met ? 0 : 1]);
    expect(seen.goneNot404.count).toBe(goneNot404);
    expect(seen.goneProbes).toBe(expected === 'gone' ? 1 : 0);
  });

  it('says nothing any more once the target was signalled', () => {
    signal(500);
    recorder.expectation(session, 'alive', outcome({ kind: 'http-error', status: 503, body: '' }));
    expect(facts().expectations).toBe(0);
  });
});

describe('after a signal', () => {
  it('counts what was under way when it came', () => {
    recorder.callSent(session, 900);
    recorder.sessionEvent(session, { kind: 'stream-opened', at: 950, stream: 1 });
    recorder.sessionEvent(session, { kind: 'stream-opened', at: 960, stream: 2 });
    recorder.sessionEvent(session, { kind: 'stream-closed', at: 970, stream: 1, by: 'client' });
    signal(1_000);
    expect(drain()).toMatchObject({
      signal: 'SIGTERM',
      signalledAt: 1_000,
      callsInFlight: 1,
      streamsOpen: 1,
      streamsLeft: 1,
    });
    recorder.sessionEvent(session, { kind: 'stream-closed', at: 1_500, stream: 2, by: 'server' });
    expect(drain()).toMatchObject({ streamsOpen: 1, streamsLeft: 0 });
  });

  it.each<[string, Ending, number]>([
    ['answered', OK, 0],
    ['answered with an error', { kind: 'rpc-error', status: 200, code: -32000, message: 'closed' }, 0],
    ['cut off', { kind: 'connection', code: 'ECONNRESET', message: '' }, 1],
    ['ended empty', { kind: 'empty', status: 200 }, 1],
  ])('a call in flight is %s', (_, ending, cut) => {
    const call = recorder.callSent(session, 900);
    signal(1_000);
    recorder.callDone(session, 'sleep call', outcome(ending, 900, 1_400), { call });
    expect([drain().callsUnanswered.count, facts().unanswered.count]).toEqual([cut, cut]);
  });

  it('a call still open when the load ends was not answered, though its client is then made to give up', () => {
    const call = recorder.callSent(session, 900);
    signal(1_000);
    recorder.loadOver();
    expect(drain().callsUnanswered.evidence).toEqual(['polite/3#7: call sent at 0.900 s still open']);
    recorder.callDone(session, 'sleep call', outcome({ kind: 'aborted' }, 900, 9_000), { call });
    expect(drain().callsUnanswered.count).toBe(1);
  });

  it('what is sent later is refused rightly: neither a call nor an error', () => {
    signal(1_000);
    callOf({ kind: 'connection', code: 'ECONNREFUSED', message: '' }, 1_200);
    const refused = outcome({ kind: 'http-error', status: 503, body: '' }, 1_200);
    recorder.request(refused, { session, method: 'tools/call', dueAt: 1_200 });
    expect([facts().calls, drain().callsUnanswered.count]).toEqual([0, 0]);
    expect(metrics.snapshot().counters.mcp_requests).toBe(0);
  });

  it.each<[string, number, Ending, { tried: number; opened: number }]>([
    ['answered, sent after it arrived', 1_100, OK, { tried: 1, opened: 1 }],
    ['refused', 1_100, { kind: 'http-error', status: 503, body: '' }, { tried: 1, opened: 0 }],
    ['answered, but sent while it was on its way', 1_020, OK, { tried: 0, opened: 0 }],
    ['answered, sent before it', 990, OK, { tried: 0, opened: 0 }],
  ])('an initialize is %s', (_, sentAt, ending, { tried, opened }) => {
    signal(1_000);
    recorder.request(outcome(ending, sentAt), { session, method: 'initialize', dueAt: sentAt });
    expect([drain().initializesTried, drain().openedAfter.count]).toEqual([tried, opened]);
  });

  it('the first of several is the one that counts', () => {
    signal(1_000);
    recorder.callSent(session, 1_500);
    signal(2_000);
    expect(drain()).toMatchObject({ signalledAt: 1_000, callsInFlight: 0 });
  });

  it('there is no drain to judge without one', () => {
    callOf(OK);
    expect(facts().drain).toBeUndefined();
  });
});

describe('the metrics', () => {
  const counters = () => metrics.snapshot().counters;

  it('have a zero, not a blank, for what did not happen', () => {
    expect(counters()).toMatchObject({
      mcp_requests: 0,
      iterations: 0,
      dropped_iterations: 0,
      sessions_opened: 0,
    });
  });

  it('count requests and what went wrong with them, but for what was expected', () => {
    const gone = outcome({ kind: 'http-error', status: 404, body: '' });
    recorder.request(outcome(OK), { session, method: 'ping', dueAt: 990 });
    recorder.request(gone, { session, method: 'ping', dueAt: 990 });
    recorder.request(gone, { session, method: 'ping', dueAt: 990, isExpected: true });
    const { errors } = metrics.snapshot();
    expect([counters().mcp_requests, errors]).toEqual([3, { http_404: 1 }]);
  });

  it('measure lateness from when the request was due', () => {
    recorder.request(outcome(OK, 1_030, 1_040), { session, method: 'ping', dueAt: 1_000 });
    const { trends } = metrics.snapshot();
    expect(trends.schedule_lag_ms?.maxMs).toBeCloseTo(30, 0);
    expect(trends.mcp_request_service_ms?.maxMs).toBeCloseTo(10, 0);
    expect(trends.mcp_request_duration_ms?.maxMs).toBeCloseTo(40, 0);
  });
});

describe('the event log', () => {
  it('names virtual users, never the session: neither id nor fingerprint', () => {
    recorder.sessionEvent(session, { kind: 'initialize-sent', at: 1, clientName: 'polite' });
    recorder.sessionEvent(session, { kind: 'initialize-answered', at: 2.00049, fingerprint: 'abcdef012345' });
    expect(logged()).toEqual([
      { t: 1, vu: 'polite/3#7', kind: 'initialize-sent', clientName: 'polite' },
      { t: 2, vu: 'polite/3#7', kind: 'initialize-answered' },
    ]);
  });

  it('tells what happened to the target, and of iterations that were dropped', () => {
    signal(5);
    recorder.targetEvent({ kind: 'exited', at: 6, code: 0 });
    recorder.iterationDropped('polite', 7);
    expect(logged()).toEqual([
      { t: 5, target: true, kind: 'signalled', signal: 'SIGTERM' },
      { t: 6, target: true, kind: 'exited', code: 0 },
      { t: 7, workload: 'polite', kind: 'iteration-dropped' },
    ]);
  });
});

it('names a session it does not know by its number', () => {
  expect([recorder.label(session), recorder.label(99)]).toEqual(['polite/3#7', 'session 99']);
});

it('takes nothing down once it is closed', () => {
  recorder.close();
  const before = JSON.stringify([facts(), metrics.snapshot()]);
  callOf({ kind: 'timeout' });
  recorder.request(outcome(OK), { session, method: 'ping', dueAt: 0 });
  recorder.expectation(session, 'alive', outcome({ kind: 'timeout' }));
  recorder.sessionEvent(session, { kind: 'initialize-sent', at: 1, clientName: 'polite' });
  recorder.iterationDone();
  recorder.iterationDropped('polite', 1);
  signal(1_000);
  expect(JSON.stringify([facts(), metrics.snapshot()])).toBe(before);
  expect(logged()).toEqual([]);
});

describe('what an outage touches', () => {
  const paused = () => {
    recorder.outage('paused', 1_000);
    recorder.outageOver('resumed', 2_000);
  };
  const request = (ending: Ending, sentAt: number, doneAt: number) =>
    recorder.request(outcome(ending, sentAt, doneAt), { session, method: 'ping', dueAt: sentAt });

  it('is no error, and no request that counts', () => {
    paused();
    request({ kind: 'timeout' }, 1_500, 1_900);
    const { counters, rates, trends } = metrics.snapshot();
    expect([counters.mcp_requests, rates, trends]).toEqual([0, {}, {}]);
  });

  it('but a late answer is one: whoever waited has waited', () => {
    paused();
    request(OK, 1_200, 2_010);
    const { counters, rates, trends } = metrics.snapshot();
    expect([counters.mcp_requests, rates.mcp_request_errors?.hits]).toEqual([1, 0]);
    expect(trends.mcp_request_duration_ms?.maxMs).toBe(810);
  });
});

describe('after a restart, on a session of the process before,', () => {
  const restarted = () => {
    recorder.sessionEvent(session, { kind: 'initialize-sent', at: 0, clientName: 'polite' });
    recorder.sessionEvent(session, {
      kind: 'initialize-answered',
      at: 10,

      fingerprint: 'f',
    });
    recorder.outage('restarting', 500);
    recorder.outageOver('started', 600);
  };
  const status = (code: number): Ending => ({ kind: 'http-error', status: code, body: '' });

  it.each<[string, Ending, boolean]>([
    ['404 tells that it is gone', status(404), true],
    ['503 tells to come back later', status(503), true],
    ['429 does, too', status(429), true],
    [
      'the connection of the old process may break',
      { kind: 'connection', code: 'ECONNRESET', message: '' },
      true,
    ],
    ['400 tells nothing (F20)', status(400), false],
    ['500 is a fault (F54)', status(500), false],
    ['silence is one', { kind: 'timeout' }, false],
    ['so is 200 with nothing in it', { kind: 'empty', status: 200 }, false],
  ])('%s', (_, ending, isExcused) => {
    restarted();
    callOf(ending);
    recorder.request(outcome(ending), { session, method: 'tools/call', dueAt: 1_000 });
    const { counters, rates } = metrics.snapshot();
    expect([counters.mcp_requests, rates.mcp_request_errors?.hits ?? 0]).toEqual(isExcused ? [0, 0] : [1, 1]);
    const isSilent = ending.kind === 'timeout' || ending.kind === 'empty';
    expect(facts().unanswered.count).toBe(isSilent ? 1 : 0);
  });
});

describe('requests that failed on our own machine', () => {
  const failed = (code: string): Ending => ({ kind: 'connection', code, message: '' });

  it('are counted by error code, and only those', () => {
    for (const code of ['EMFILE', 'EADDRNOTAVAIL', 'EMFILE', 'ECONNREFUSED']) {
      recorder.request(outcome(failed(code)), { session, method: 'ping', dueAt: 0 });
    }
    expect(recorder.localFailures).toEqual({ EMFILE: 2, EADDRNOTAVAIL: 1 });
    expect(metrics.snapshot().errors.local_limit).toBe(3);
  });

  it('are no requests to the target, and no errors of its own, but stand in the log and among the errors', () => {
    recorder.request(outcome(failed('EMFILE')), { session, method: 'tools/call', dueAt: 0 });
    recorder.bulkRequest(outcome(failed('EADDRNOTAVAIL')), { session, method: 'ping' });
    const { counters, rates, trends } = metrics.snapshot();
    expect([counters.mcp_requests, rates.mcp_request_errors, trends.mcp_request_duration_ms]).toEqual([
      0,
      undefined,
      undefined,
    ]);
    expect(recorder.localFailures).toEqual({ EMFILE: 1, EADDRNOTAVAIL: 1 });
    expect(recorder.errors.list()).toMatchObject([
      { method: 'tools/call', class: 'local_limit' },
      { method: 'ping', class: 'local_limit' },
    ]);
    expect(logged()).toMatchObject([
      { kind: 'outcome', fault: 'local_limit' },
      { kind: 'outcome', fault: 'local_limit' },
    ]);
  });

  it('leave no call unanswered and no expectation unmet', () => {
    callOf(failed('EMFILE'));
    recorder.expectation(session, 'alive', outcome(failed('EMFILE')));
    recorder.expectation(session, 'gone', outcome(failed('EMFILE')));
    recorder.rawAnswered(session, '400', outcome(failed('EMFILE')), false);
    callOf(failed('ECONNRESET'));
    const { calls, unanswered, expectations, unmetExpectations } = facts();
    expect([calls, unanswered.count, expectations, unmetExpectations.count]).toEqual([1, 1, 0, 0]);
  });
});
