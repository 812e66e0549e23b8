import { describe, expect, it } from 'vitest';
import { isObject } from '../../../simulator/mcp/json-rpc.ts';
import type { PlannedFault, PlannedStep } from '../../../simulator/scenario/step.ts';
import { smallServer } from './small-server.ts';
import { call, initialize, outcomes, play, think } from './stage.ts';

const echo = call('echo', { message: 'hello' });
const listen: PlannedStep = { kind: 'listen' };
const end: PlannedStep = { kind: 'delete' };
const fault = (settings: Partial<PlannedFault>): PlannedStep => ({
  kind: 'fault',
  scope: 'next request',
  delayMs: null,
  cutAfterBytes: null,
  readBytesPerSecond: null,
  halfBody: false,
  ...settings,
});

describe('a fault of the network holds for the next request, or for the rest of the flow', () => {
  it.each<[string, Partial<PlannedFault>, string[]]>([
    ['a delay', { delayMs: 100 }, ['tools/call result at 100', 'tools/call result at 100']],
    [
      'a delay for the rest',
      { delayMs: 100, scope: 'rest of flow' },
      ['tools/call result at 100', 'tools/call result at 200'],
    ],
    ['an answer cut off', { cutAfterBytes: 10 }, ['tools/call connection at 0', 'tools/call result at 0']],
    [
      'an answer cut off before it began',
      { cutAfterBytes: 0 },
      ['tools/call connection at 0', 'tools/call result at 0'],
    ],
    [
      'an answer cut off after its end',
      { cutAfterBytes: 100_000 },
      ['tools/call result at 0', 'tools/call result at 0'],
    ],
    [
      'every answer cut off',
      { cutAfterBytes: 10, scope: 'rest of flow' },
      ['tools/call connection at 0', 'tools/call connection at 0'],
    ],
    ['half a body', { halfBody: true }, ['tools/call timeout at 60000', 'tools/call result at 60000']],
  ])('%s', async (_, settings, expected) => {
    const { lines, facts } = await play([initialize, fault(settings), echo, echo]);
    expect(outcomes(lines).slice(1)).toEqual(expected);
    // No fault of the target: nothing of it is held against the calls.
    expect([facts.unanswered.count, facts.wrongAnswers.count]).toEqual([0, 0]);
  });

  it('and what comes after it is the fault of whoever it is', async () => {
    const launch = smallServer({ 'tools/call': () => (response) => void response.destroy() });
    const { lines, facts } = await play([initialize, fault({ cutAfterBytes: 5 }), echo, echo], { launch });
    expect(outcomes(lines).slice(1)).toEqual([
      'tools/call connection at 0',
      'tools/call connection at 0 (connection_closed)',
    ]);
    expect([facts.calls, facts.unanswered.count]).toEqual([1, 1]);
  });
});

describe('an answer read slowly', () => {
  const slow = (bytes: number, settings: Partial<PlannedFault> = {}): PlannedStep[] => [
    initialize,
    fault({ readBytesPerSecond: 1024, ...settings }),
    call('work', { bytes }),
  ];
  const launch = smallServer({
    'tools/call': ({ arguments: args }) => ({ text: 'x'.repeat(isObject(args) ? Number(args.bytes) : 0) }),
  });

  it.each([1_000, 10_000, 50_000])('takes as long as its bytes do: %d bytes', async (bytes) => {
    const seconds = bytes / 1024;
    const { lines } = await play(slow(bytes), { launch });
    const [, done] = outcomes(lines);
    const at = Number(done?.split(' ').at(-1)) / 1000;
    expect(done).toMatch(/^tools\/call result at /);
    expect(at).toBeGreaterThan(seconds);
    expect(at).toBeLessThan(seconds + 1);
  });

  it('may take longer than its client waits: no fault of the target', async () => {
    const { lines, facts } = await play(slow(100_000), { launch });
    expect(outcomes(lines).at(-1)).toBe('tools/call timeout at 60000');
    expect(facts.unanswered.count).toBe(0);
  });
});

it('half of initialize opens no session, and the flow ends there', async () => {
  const { lines } = await play([fault({ halfBody: true }), initialize, echo]);
  expect(outcomes(lines)).toEqual(['initialize timeout at 60000']);
  expect(lines.filter(({ kind }) => kind.startsWith('initialize-')).map(({ kind }) => kind)).toEqual([
    'initialize-sent',
    'initialize-lost',
  ]);
});

it('a stream can be cut off, too, and is then closed by the server as far as anyone knows', async () => {
  const launch = smallServer({
    GET: () => (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`: ${'x'.repeat(500)}\n\n`);
    },
  });
  const { lines } = await play([initialize, fault({ cutAfterBytes: 400 }), listen, think(10), end], {
    launch,
  });
  expect(lines.find(({ kind }) => kind === 'stream-closed')).toMatchObject({ by: 'server', t: 0 });
  expect(outcomes(lines).slice(1)).toEqual(['GET accepted at 0', 'DELETE accepted at 10']);
});

it('half a request is told the ledger as one that obliges nobody', async () => {
  const { lines } = await play([initialize, fault({ halfBody: true }), echo, echo]);
  const sent = lines.filter(({ kind, request }) => kind === 'request-sent' && Number(request) > 1);
  expect(sent.map(({ isPartial }) => isPartial)).toEqual([true, undefined]);
});
