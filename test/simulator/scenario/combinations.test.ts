import { describe, expect, test } from 'vitest';
import { problemsOf, tiny } from './fixture.ts';

const nested = (depth: number) =>
  `${'{ repeat: { times: 2, steps: ['.repeat(depth)}listen${'] } }'.repeat(depth)}`;

describe('the order of steps', () => {
  test.each([
    ['calls after half a handshake', ['initialize: { handshake: half }', 'call: { tool: echo }'], []],
    [
      'waiting and looking after the end',
      ['initialize', 'delete', 'think: 5s', 'expect-gone', 'expect-alive'],
      [],
    ],
    ['five repeats deep', ['initialize', nested(5)], []],
    ['something before initialize', ['listen'], ['11:9 the first step of a flow is initialize, got listen']],
    [
      'a second initialize',
      ['initialize', 'initialize: {}'],
      ['12:9 initialize is only the first step: reinitialize opens another session'],
    ],
    [
      'an initialize inside repeat',
      ['initialize', 'repeat: { times: 2, steps: [initialize] }'],
      ['12:37 initialize is only the first step: reinitialize opens another session'],
    ],
    [
      'a call after delete',
      ['initialize', 'delete', 'call: { tool: echo }'],
      ['13:9 nothing but think, expect-gone, expect-alive, raw can follow delete, got call'],
    ],
    [
      'a repeat after abandon, said once',
      ['initialize', 'abandon: frozen', 'repeat: { times: 2, steps: [listen] }'],
      ['13:9 nothing but think, expect-gone, expect-alive can follow abandon, got repeat'],
    ],
    [
      'two endings',
      ['initialize', 'delete', 'abandon: silent'],
      ['13:9 nothing but think, expect-gone, expect-alive, raw can follow delete, got abandon'],
    ],
    [
      'an ending inside repeat',
      ['initialize', 'repeat: { times: 2, steps: [delete] }'],
      ['12:37 delete ends the session, so it cannot stand inside repeat'],
    ],
    [
      'six repeats deep',
      ['initialize', nested(6)],
      ['12:159 repeats are nested at most 5: deeper repeats cannot be read'],
    ],
    [
      'repeats that multiply',
      ['initialize', 'repeat: { times: 100000, steps: [{ repeat: { times: 101, steps: [listen] } }] }'],
      ['10:5 one iteration performs at most 10,000,000: repeats inside repeats multiply'],
    ],
    [
      'an empty repeat',
      ['initialize', 'repeat: { times: 2, steps: [] }'],
      ['12:36 a list of steps is not empty'],
    ],
  ])('%s', (_, flow, problems) => {
    expect(problemsOf(tiny({ flow }))).toEqual(problems);
  });
});

describe('flows side by side', () => {
  const parallel = (...flows: string[]) => `parallel: { flows: [${flows.join(', ')}] }`;
  const emit = 'call: { tool: emit, arguments: { on: stream } }';

  test.each<[string, string[], string[]]>([
    [
      'calls beside a delete, and looking after it',
      [parallel('[ping, listen]', '[delete]'), 'expect-gone'],
      [],
    ],
    ['two deletes', [parallel('[delete]', '[delete]')], []],
    [
      'what one of them did has been done',
      [parallel('[listen]', `[{ ${emit} }]`), 'resume', 'expect-events'],
      [],
    ],
    ['a repeat inside', [parallel('[{ repeat: { times: 2, steps: [ping] } }]', '[think: 1s]')], []],
    [
      'another session',
      [parallel('[reinitialize]', '[ping]')],
      ['12:30 reinitialize concerns the client as a whole, so it cannot stand inside parallel'],
    ],
    [
      'a client that leaves',
      [parallel('[abandon: silent]', '[ping]')],
      ['12:30 abandon concerns the client as a whole, so it cannot stand inside parallel'],
    ],
    [
      'a second initialize',
      [parallel('[ping]', '[initialize]')],
      ['12:38 initialize concerns the client as a whole, so it cannot stand inside parallel'],
    ],
    [
      'flows inside flows',
      [parallel(`[{ ${parallel('[ping]', '[ping]')} }]`, '[ping]')],
      ['12:30 parallel concerns the client as a whole, so it cannot stand inside parallel'],
    ],
    ['before there is a session for them', [], ['11:9 the first step of a flow is initialize, got parallel']],
    [
      'going on where one of them ended it',
      [parallel('[delete]', '[ping]'), 'ping'],
      ['13:9 nothing but think, expect-gone, expect-alive, raw can follow delete, got ping'],
    ],
    [
      'a stream that another one opens meanwhile',
      [parallel('[listen]', '[resume]')],
      ['12:40 resume opens a stream again, so a listen comes before it'],
    ],
    [
      'events that nobody sends',
      ['listen', 'expect-events'],
      [
        '13:9 expect-events waits for what a call of emit sends, so one with on: stream or progress: true comes before it',
      ],
    ],
    ['one alone', [parallel('[ping]')], ['12:28 flows side by side are at least two']],
  ])('%s', (title, flow, problems) => {
    const isFirst = title.startsWith('before');
    const all = isFirst ? [parallel('[ping]', '[ping]')] : ['initialize', ...flow];
    expect(problemsOf(tiny({ flow: all }))[0]).toEqual(problems[0]);
  });

  test.each(['compliant', 'herd'])('%s clients would start over in each of them', (profile) => {
    const text = tiny({ flow: ['initialize', parallel('[ping]', '[ping]')] }).replace(
      'iterations: 1\n',
      `iterations: 1\n    client: { profile: ${profile} }\n`,
    );
    expect(problemsOf(text)).toEqual([
      `13:9 the flows of parallel share one session, and each of them would open another in its place at a 404, as a client with the profile ${profile} does: parallel goes with plain, sdk-like, stuck, claude-like`,
    ]);
  });

  test.each(['plain', 'sdk-like', 'stuck', 'claude-like'])('%s clients do not', (profile) => {
    const text = tiny({ flow: ['initialize', parallel('[ping]', '[ping]')] }).replace(
      'iterations: 1\n',
      `iterations: 1\n    client: { profile: ${profile} }\n`,
    );
    expect(problemsOf(text)).toEqual([]);
  });
});

describe('times that contradict each other', () => {
  test.each([
    [
      'abortAfter at the timeout',
      'call: { tool: a, timeout: 2s, abortAfter: 2s }',
      ['12:51 abortAfter (2 s) must be below timeout (2 s), or it never happens'],
    ],
    [
      'abortAfter beyond the default timeout',
      'call: { tool: a, abortAfter: 2m }',
      ['12:38 abortAfter (2m 0s) must be below timeout (1m 0s), or it never happens'],
    ],
    [
      'between the wrong way round',
      'think: { between: [5s, 1s] }',
      ['12:27 between begins with the shorter time, got 5 s and 1 s'],
    ],
    ['between one time and the same', 'think: { between: [5s, 5s] }', []],
    ['times that only a policy decides', 'think: { between: [T, C] }', []],
    ['a negative time', 'think: 1s - 2s', ["12:16 the duration '1s - 2s' is negative: -1000 ms"]],
  ])('%s', (_, step, problems) => {
    expect(problemsOf(tiny({ flow: ['initialize', step] }))).toEqual(problems);
  });
});

describe('parts that contradict each other', () => {
  const event = 'events: [{ at: 5s, signal: SIGTERM }]';
  test.each([
    ['events with one cycle', event, []],
    [
      'events with cycles',
      `${event}\ncycles: 2`,
      ['13:9 with events there is one cycle, got 2: the target does not come back after a signal'],
    ],
    [
      'too many events',
      `events: [${'{ at: 5s, signal: SIGTERM }, '.repeat(11)}]`,
      ['12:9 events are at most 10: a time line of a run is a handful of signals'],
    ],
    [
      'an invariant that needs a signal',
      'invariants: [drain_ends_streams]',
      ['12:14 drain_ends_streams would see nothing: it needs a signal under events'],
    ],
    [
      'an invariant that a signal prevents',
      `${event}\ninvariants: [returns_to_zero]`,
      [
        '13:14 returns_to_zero would see nothing: it needs a target that lives to the end, so no signal under events',
      ],
    ],
    [
      'an invariant that needs a call',
      'invariants: [calls_answered]',
      ['12:14 calls_answered would see nothing: it needs a call, concurrent or list step'],
    ],
    [
      'a threshold twice',
      "thresholds: { mcp_requests: ['count > 1', 'count > 1'] }",
      ["12:43 'count > 1' stands here twice"],
    ],
    ['a failure mode twice', 'covers: [F01, F02, F01]', ["12:20 'F01' stands here twice"]],
    ['looks without a pause', 'observe: 0s', ['12:10 the time between two looks is at least 1ms']],
    [
      'looks without a pause in one mode',
      'observe: { virtual: 1s, real: 0s }',
      ['12:31 the time between two looks is at least 1ms'],
    ],
  ])('%s', (_, rest, problems) => {
    expect(problemsOf(tiny({ rest }))).toEqual(problems);
  });

  test('more sessions than the ledger holds, per mode', () => {
    const text = tiny()
      .replace('vus: 1\n', 'vus: { virtual: 1001, real: 1 }\n')
      .replace('iterations: 1', 'iterations: 1000');
    expect(problemsOf(text)).toEqual([
      '5:1 1,001,000 planned sessions in virtual mode; they are at most 1,000,000: the ledger keeps a record of every session of the run',
    ]);
  });

  test('a rate too slow for its duration', () => {
    const text = tiny()
      .replace('per-vu-iterations', 'constant-arrival-rate')
      .replace('vus: 1', 'rate: 0.1')
      .replace('iterations: 1', 'duration: 9s\n    maxVUs: 1');
    expect(problemsOf(text)).toEqual([
      '9:15 no session would start: 0.1 per second for 9 s is less than one',
    ]);
  });
});
