import { beforeAll, describe, expect, it } from 'vitest';
import { type LoopbackHub, startHub } from '../hub/hub-on-loopback.ts';
import { createFixtureServer } from './fixture-server.ts';
import { type Check, listScenarios, type Report, runSuite } from './suite.ts';

/** Every scenario that the suite has for servers; one that is added there has to be added here. */
const SCENARIOS = [
  'server-initialize',
  'logging-set-level',
  'ping',
  'completion-complete',
  'tools-list',
  'tools-call-simple-text',
  'tools-call-image',
  'tools-call-audio',
  'tools-call-embedded-resource',
  'tools-call-mixed-content',
  'tools-call-with-logging',
  'tools-call-error',
  'tools-call-with-progress',
  'tools-call-sampling',
  'tools-call-elicitation',
  'json-schema-2020-12',
  'elicitation-sep1034-defaults',
  'server-sse-polling',
  'server-sse-multiple-streams',
  'elicitation-sep1330-enums',
  'resources-list',
  'resources-read-text',
  'resources-read-binary',
  'resources-templates-read',
  'resources-subscribe',
  'resources-unsubscribe',
  'prompts-list',
  'prompts-get-simple',
  'prompts-get-with-args',
  'prompts-get-embedded-resource',
  'prompts-get-with-image',
  'dns-rebinding-protection',
];

/** Scenarios that fail, each with the reason. One that passes must leave this list. */
const EXPECTED_FAILURES: Readonly<Record<string, string>> = {};

/** Checks that the suite could not make (it says INFO instead of SUCCESS), each with the reason. */
const NOT_CHECKED: Readonly<Record<string, string>> = {
  'server-sse-streams-functional': 'Lists are answered at once, so as JSON: there are no streams to look at.',
};

/** Told for the record only: nothing is claimed by them. */
const RECORDS = new Set(['incoming-response', 'incoming-sse-event', 'outgoing-request', 'stream-closed']);

describe('The official conformance suite against the transport of the hub', () => {
  let report: Report;
  let afterwards: { callsInFlight: unknown };

  beforeAll(async () => {
    const hub = await startHub({}, { parts: { createMcpServer: createFixtureServer } });
    try {
      report = await runSuite(hub.endpoint);
      afterwards = await callsInFlight(hub);
    } finally {
      await hub.stop();
    }
  }, 60_000);

  it('has no scenario that is not listed here', async () => {
    expect((await listScenarios()).toSorted()).toEqual(SCENARIOS.toSorted());
    expect([...report.keys()].toSorted()).toEqual(SCENARIOS.toSorted());
  });

  it.each(SCENARIOS)('passes %s, unless it is listed as a failure', (scenario) => {
    const checks = report.get(scenario) ?? [];
    const reason = EXPECTED_FAILURES[scenario];
    if (reason === undefined) expect(faults(checks)).toEqual([]);
    else expect(faults(checks), `passes now, though listed: ${reason}`).not.toEqual([]);
  });

  it('makes every check but those listed with a reason', () => {
    const notMade = [...report.values()]
      .flat()
      .filter(({ id, status }) => status !== 'SUCCESS' && status !== 'FAILURE' && !RECORDS.has(id))
      .map(({ id }) => id);
    expect(notMade.toSorted()).toEqual(Object.keys(NOT_CHECKED).toSorted());
  });

  it('leaves no call in flight', () => {
    expect(afterwards.callsInFlight).toBe(0);
  });
});

it('The suite fails a server that lacks what it asks for', async () => {
  const hub = await startHub();
  try {
    const report = await runSuite(hub.endpoint, 'tools-call-simple-text');
    expect(faults(report.get('tools-call-simple-text') ?? [])).toHaveLength(1);
  } finally {
    await hub.stop();
  }
}, 60_000);

/** What is wrong; a scenario that checked nothing is wrong, too. */
function faults(checks: readonly Check[]): string[] {
  if (!checks.some(({ status }) => status === 'SUCCESS')) return ['no check succeeded'];
  return checks
    .filter(({ status }) => status === 'FAILURE' || status === 'WARNING')
    .map(({ id, errorMessage = 'no message' }) => `${id}: ${errorMessage}`);
}

async function callsInFlight({ raw }: LoopbackHub): Promise<{ callsInFlight: unknown }> {
  const { json } = await raw.get('/health');
  if (typeof json !== 'object' || json === null || !('callsInFlight' in json)) {
    throw new Error('/health says nothing of calls in flight');
  }
  return json;
}
