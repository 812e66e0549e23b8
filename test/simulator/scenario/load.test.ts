import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { METRICS } from '../../../simulator/judge/metric-catalogue.ts';
import { ScenarioError } from '../../../simulator/scenario/errors.ts';
import { hubOptions } from '../../../simulator/scenario/hub-options.ts';
import { loadScenario, readScenario } from '../../../simulator/scenario/load.ts';
import { ABANDON, changed, problemsOf, tiny } from './fixture.ts';

const STEPS =
  'initialize, listen, ping, reset, reconnect, resume, reinitialize, delete, expect-gone, expect-alive, expect-events, call, concurrent, list, notify, think, raw, fault, repeat, parallel, abandon';

function written(text: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'mcp-soak-load-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const file = join(dir, 'scenario.yaml');
  writeFileSync(file, text);
  return file;
}

describe('a correct file', () => {
  test('is read as it stands', async () => {
    const { scenario } = await readScenario(written(ABANDON));
    expect(scenario).toMatchObject({ name: 'abandon', cycles: 3, covers: ['F01', 'F04', 'F08'], events: [] });
    expect(Object.keys(scenario.workloads)).toEqual(['vanish-silently', 'keep-working']);
  });

  test('may leave out all but the necessary', () => {
    expect(loadScenario(tiny(), 'tiny.yaml')).toMatchObject({
      cycles: 1,
      covers: [],
      thresholds: {},
      observe: { virtual: '6s', real: '1s' },
    });
  });

  test('gives the hub its options as the hub reads them, only those that it names', () => {
    const scenario = loadScenario(ABANDON, 'abandon.yaml');
    expect(hubOptions(scenario, 'virtual')).toEqual({});
    expect(hubOptions(scenario, 'real')).toEqual({
      sessionTimeout: '1500ms',
      cleanupInterval: '300ms',
      handshakeTimeout: '1000ms',
      heartbeat: '400ms',
      keepAlive: '200ms',
      drain: '2000ms',
      maxSessions: 5000,
      clientTimeouts: 'patient=3000ms',
    });
  });

  test.each([
    ['{ maxSessionsPerClient: 9, capRule: evict-idle }', { maxSessionsPerClient: 9, capRule: 'evict-idle' }],
    ['{ rateLimit: on }', { rateLimit: 'on' }],
    ['{ initializeRate: 60 }', { rateLimit: 'on', initializeRate: 60 }],
    ['{ sessionRate: 5 }', { rateLimit: 'on', sessionRate: 5 }],
    ['{ rateLimit: off, sessionRate: 5 }', { rateLimit: 'off', sessionRate: 5 }],
  ])('%s limits the hub; a rate that is set holds', (hub, options) => {
    const scenario = loadScenario(ABANDON.replace('virtual: {}', `virtual: ${hub}`), 'abandon.yaml');
    expect(hubOptions(scenario, 'virtual')).toEqual(options);
  });
});

describe('a slip is reported at its line and column, with the word that was meant', () => {
  test.each([
    [
      'cycles: 3',
      'cycle: 3',
      "9:1 unknown key 'cycle': did you mean 'cycles'? Allowed: version, name, description, covers, hub, cycles, workloads, events, settle, observe, thresholds, invariants",
    ],
    [
      'drain: 2s',
      'drian: 2s',
      "8:117 unknown key 'drian': did you mean 'drain'? Allowed: sessionTimeout, cleanupInterval, handshakeTimeout, streamLostTimeout, heartbeat, keepAlive, drain, maxSessions, maxSessionsPerClient, capRule, maxEvents, maxBuffered, rateLimit, initializeRate, sessionRate, clientTimeouts",
    ],
    [
      'abortAfter: 2s',
      'abort: 2s',
      "21:74 unknown key 'abort': did you mean 'abortAfter'? Allowed: tool, arguments, timeout, abortAfter, longest, progress",
    ],
    [
      'client: { name',
      'client: { nmae',
      "17:15 unknown key 'nmae': did you mean 'name'? Allowed: name, protocolVersion, profile, headers",
    ],
    [
      'real: { rate: 40',
      'real: { vus: 40',
      "16:13 'vus' belongs to the executors per-vu-iterations, constant-vus; the executor here is constant-arrival-rate",
    ],
    [
      'vus: 100',
      'vus: 100\n    rate: 5',
      "37:5 'rate' belongs to the executor constant-arrival-rate; the executor here is per-vu-iterations",
    ],
    ['- listen', '- lisen', `23:9 unknown step 'lisen': did you mean 'listen'? Allowed: ${STEPS}`],
    ['- listen', '- cal: {}', `23:9 unknown step 'cal': did you mean 'call'? Allowed: ${STEPS}`],
    ['- listen', '- call', "23:9 the step 'call' needs settings: write call: …"],
    ['- listen', '- listen: {}', "23:9 the step 'listen' has no settings: write - listen"],
    ['- listen', '- call: {}', "23:9 missing key 'tool'"],
    ['- listen', '- {}', '23:9 a step needs a name'],
    ['- listen', '- 5', '23:9 expected a step such as listen, or call: { tool: … }'],
    [
      '- listen',
      '- { think: 5s, list: tools }',
      "23:9 a step has one name, got list, think: begin each step with its own '-'",
    ],
    [
      'executor: per-vu-iterations',
      'executor: per-vu',
      "35:15 unknown executor 'per-vu': did you mean 'per-vu-iterations'? Allowed: constant-arrival-rate, ramping-arrival-rate, per-vu-iterations, constant-vus, ramping-vus",
    ],
    ['executor: per-vu-iterations', 'client: {}', "34:3 missing key 'executor'"],
    ['    maxVUs: 50\n', '', "11:3 missing key 'maxVUs'"],
    ['duration: 20s', 'duration: 20', '14:15 20 has no unit: write 20ms, 20s, 20m or 20h'],
    ['think: 0.8T', 'think: 5', '25:16 5 has no unit: write 5ms, 5s, 5m or 5h'],
    [
      'think: 0.8T',
      'think: T + 5d',
      "25:21 unknown unit 'd': did you mean 'D'? Allowed: ms, s, m, h, T, C, H, D",
    ],
    ['think: 0.8T', "think: '0.8X'", "25:20 unknown unit 'X'. Allowed: ms, s, m, h, T, C, H, D"],
    ['{ duration: 1.2T }', '{ duration: 1.2X }', "30:68 unknown unit 'X'. Allowed: ms, s, m, h, T, C, H, D"],
    ['{ duration: 1.2T }', '{ duration: 12 }', '30:65 a duration is text with a unit, such as 5s or 1.2T'],
    [
      'sessionTimeout: 1500ms',
      'sessionTimeout: 2T',
      '8:28 T has no value here: the policy follows from this setting, write a time such as 5s',
    ],
    ['iterations: { virtual: 2, real: 1 }', 'iterations: { virtual: 2 }', "37:5 missing key 'real'"],
    [
      'iterations: { virtual: 2, real: 1 }',
      'iterations: many',
      "37:17 iterations is a whole number, got 'many'",
    ],
    [
      'iterations: { virtual: 2, real: 1 }',
      'iterations: [2]',
      '37:17 expected one value, or { virtual: …, real: … }',
    ],
    [
      'abandon: silent\n',
      'abandon: silently\n',
      "31:18 unknown way to abandon 'silently': did you mean 'silent'? Allowed: silent, destroyed, frozen",
    ],
    ['handshake: half', 'handshake: none', "39:34 unknown handshake 'none'. Allowed: full, half"],
    [
      'list: tools',
      'list: tool',
      "22:15 unknown list 'tool': did you mean 'tools'? Allowed: tools, prompts, resources",
    ],
    [
      'notify: notifications/roots/list_changed',
      'notify: roots/list_changed',
      '24:17 a notification is named notifications/…',
    ],
    [
      '  mcp_request_errors',
      '  mcp_request_error',
      `46:3 unknown metric 'mcp_request_error': did you mean 'mcp_request_errors'? Allowed: ${Object.keys(METRICS).join(', ')}`,
    ],
    [
      "'p(95) <",
      "'avgg <",
      "47:31 unknown aggregate of the trend mcp_request_duration_ms 'avgg': did you mean 'avg'? Allowed: p(N), avg, min, med, max, count",
    ],
    [
      "'rate == 0'",
      "'p(95) == 0'",
      "46:26 unknown aggregate of the rate mcp_request_errors 'p(95)'. Allowed: rate",
    ],
    ['< 250ms', '< 250KiB', "47:42 unknown unit 'KiB'. Allowed: ms, s, m"],
    ['covers: [F01', 'covers: [F59', '5:10 a failure mode is an id from F01 to F58'],
    [
      'protocolVersion: 2025-11-25',
      'protocolVersion: 2025',
      '17:46 expected a word for the protocol version. Allowed: 2025-03-26, 2025-06-18, 2025-11-25',
    ],
    [
      'protocolVersion: 2025-11-25',
      'protocolVersion: 2025-11-24',
      "17:46 unknown protocol version '2025-11-24': did you mean '2025-11-25'? Allowed: 2025-03-26, 2025-06-18, 2025-11-25",
    ],
    [
      '{ patient: 3s }',
      '{ a=b: 3s }',
      '8:165 a client with a timeout of its own has no comma and no = in its name',
    ],
    ['version: 1', 'version: 2', '2:10 this release reads scenarios of version 1'],
    [
      'keep-working:',
      'keep working:',
      '34:3 a workload is named by letters, digits, _ . and -, beginning with a letter',
    ],
    ['name: abandon', 'name:', '3:6 expected text, got nothing'],
    [
      '{ message: hello }',
      '{ message: .inf }',
      '21:51 expected a JSON value: text, number, true, false, null, list or mapping',
    ],
  ])('%s → %s', (from, to, expected) => {
    const [first] = problemsOf(changed(ABANDON, from, to));
    expect(first).toBe(expected);
  });

  test('an unknown event signal and an unknown invariant', () => {
    expect(problemsOf(tiny({ rest: 'events: [{ at: 5s, signal: SIGKILL }]' }))).toEqual([
      "12:28 unknown signal 'SIGKILL'. Allowed: SIGTERM, SIGINT",
    ]);
    expect(problemsOf(tiny({ rest: 'invariants: [session_not_lost]' }))[0]).toMatch(
      "12:14 unknown invariant 'session_not_lost': did you mean 'sessions_not_lost'? Allowed: sessions_not_lost,",
    );
  });
});

describe('a limit is said with its reason', () => {
  test.each([
    ['vus: 100', 'vus: 20001', '36:10 vus is at most 20,000: each virtual user holds up to two sockets'],
    ['maxVUs: 50', 'maxVUs: 20001', '15:13 maxVUs is at most 20,000: each virtual user'],
    ['rate: 20\n', 'rate: 10001\n', '13:11 rate is at most 10,000: due times are whole milliseconds'],
    ['rate: 20\n', 'rate: 0\n', '13:11 rate is above 0'],
    ['cycles: 3', 'cycles: 1001', '9:9 cycles is at most 1,000: more cycles'],
    ['cycles: 3', 'cycles: 0', '9:9 cycles is at least 1'],
    ['cycles: 3', 'cycles: 1.5', '9:9 cycles is a whole number, got 1.5'],
    ['times: 5', 'times: 100001', '27:18 times is at most 100,000: a longer flow'],
  ])('%s → %s', (from, to, expected) => {
    expect(problemsOf(changed(ABANDON, from, to))[0]).toMatch(new RegExp(`^${expected}`));
  });
});

describe('the error', () => {
  test('names file, line and column, and shows the place', () => {
    const text = changed(changed(ABANDON, 'rate: 20\n', 'rate: fast\n'), '- listen', '- lisen');
    expect(() => loadScenario(text, 'scenarios/a.yaml')).toThrow(
      `scenarios/a.yaml:13:11: rate is a number, got 'fast'
   13 |     rate: fast
      |           ^^^^
scenarios/a.yaml:23:9: unknown step 'lisen': did you mean 'listen'? Allowed: ${STEPS}
   23 |       - lisen
      |         ^^^^^`,
    );
  });

  test('shows at most twenty problems and counts the rest', () => {
    const text = tiny({ flow: ['initialize', ...Array.from({ length: 25 }, () => 'nothing-known')] });
    expect(problemsOf(text)).toHaveLength(25);
    expect(() => loadScenario(text, 'a.yaml')).toThrow(/\n… and 5 more$/);
  });

  test('cuts a long line round the place', () => {
    const text = changed(
      tiny(),
      'initialize',
      `initialize\n      - { think: 5s${' '.repeat(500)}, oops: 1 }`,
    );
    expect(() => loadScenario(text, 'a.yaml')).toThrow(
      /^a\.yaml:12:522: unknown step 'oops'.*\n {3}12 \| {38} ?, oops: 1 }\n/,
    );
  });

  test('keeps control characters away from the terminal', () => {
    const [problem] = problemsOf(tiny({ rest: '"\\e[31mred": 1' }));
    expect(problem).toMatch("unknown key '·[31mred'");
  });

  test('tells why a file cannot be read', async () => {
    const missing = join(tmpdir(), 'no-such-scenario.yaml');
    await expect(readScenario(missing)).rejects.toThrow(`${missing}: cannot be read: ENOENT`);
    await expect(readScenario(tmpdir())).rejects.toThrow(ScenarioError);
  });
});

describe('a hostile or broken file is refused, not suffered', () => {
  const bomb = `a: &a [x,x,x,x,x,x,x,x]
b: &b [*a,*a,*a,*a,*a,*a,*a,*a]
c: &c [*b,*b,*b,*b,*b,*b,*b,*b]
d: [*c,*c,*c,*c,*c,*c,*c,*c]`;
  test.each([
    ['nothing', '', '1:1 a scenario is a mapping that begins with version: 1'],
    ['a list', '- a', '1:1 a scenario is a mapping that begins with version: 1'],
    [
      'a syntax error',
      'a: [1\nb: 2',
      '2:1 not YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    ['a key that stands twice', 'name: a\nname: b', '2:1 this key stands twice in one mapping'],
    ['two documents', 'a: 1\n---\nb: 1', '2:1 a scenario file holds one document'],
    ['a tag of another program', 'a: !ruby/object x', '1:4 not YAML: Unresolved tag: !ruby/object'],
    [
      'an alias bomb',
      bomb,
      '0:0 expanded aliases are at most 100: aliases of aliases can blow a short file up to gigabytes',
    ],
    [
      'an alias of itself',
      'a: &a\n  b: *a',
      '2:3 values are nested at most 64 deep: readers of nested documents recurse',
    ],
    [
      'an alias of nothing',
      'a: *x',
      '0:0 not YAML: Unresolved alias (the anchor must be set before the alias): x',
    ],
    [
      'deep nesting',
      `a: ${'['.repeat(70)}${']'.repeat(70)}`,
      '1:68 values are nested at most 64 deep: readers of nested documents recurse',
    ],
    [
      'nesting that exhausts the stack',
      '['.repeat(20_000),
      expect.stringMatching(/ values are nested at most 64 deep/),
    ],
    [
      'too many keys',
      Array.from({ length: 1002 }, (_, n) => `k${n}: 1`).join('\n'),
      '1001:1 keys of one mapping are at most 1,000: one page names no more things than that',
    ],
    [
      'a file too large',
      `# ${'x'.repeat(1024 * 1024)}`,
      '0:0 a scenario file is at most 1,048,576 bytes: a scenario is a page, not a data set',
    ],
    ['a key that JavaScript treats specially', '__proto__: { a: 1 }', "1:1 unknown key '__proto__'"],
  ])('%s', (_, text, expected) => {
    expect(problemsOf(text)).toEqual([expected]);
  });

  test('a file too large is not even read', async () => {
    const file = written('x'.repeat(1024 * 1024 + 1));
    await expect(readScenario(file)).rejects.toThrow(`${file}: a scenario file is at most 1,048,576 bytes`);
  });

  test('an alias in its right use is understood, and errors inside point at the anchor', () => {
    const flow = ['initialize', '&pause { think: 1s }', '*pause', 'delete'];
    expect(problemsOf(tiny({ flow }))).toEqual([]);
    expect(problemsOf(tiny({ flow: flow.map((step) => step.replace('1s', '1x')) }))[0]).toMatch(
      /^12:26 unknown unit 'x'/,
    );
  });
});
