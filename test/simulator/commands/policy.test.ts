import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../../simulator/commands/policy.ts';
import { RequestError } from '../../../simulator/run-request.ts';

const TARGET = new URL('http://127.0.0.1:1/mcp');

describe('--policy', () => {
  it.each([
    ['sessionTimeout=5m', { sessionTimeoutMs: 300_000 }],
    ['streamLost=2m', { streamLostMs: 120_000 }],
    ['maxSessions=9', { maxSessions: 9 }],
    ['maxSessionsPerClient=3', { maxSessionsPerClient: 3 }],
    ['capRule=evict-idle', { capRule: 'evict-idle' }],
    ['openStreamProtects=off', { openStreamProtects: false }],
    ['callProtects=on', { callProtects: true }],
  ])('takes %s', (entry, promised) => {
    expect(parsePolicy([entry], TARGET)).toMatchObject(promised);
  });

  it.each([
    ['a duration that is none', 'streamLost=soon'],
    ['a number that is none', 'maxSessions=many'],
    ['a claim that is none', 'openStreamProtects=maybe'],
    ['a rule that there is not', 'capRule=drop'],
    ['a word nobody knows', 'patience=5m'],
  ])('refuses %s, and says what is allowed', (_what, entry) => {
    expect(() => parsePolicy([entry], TARGET)).toThrow(RequestError);
    expect(() => parsePolicy([entry], TARGET)).toThrow(
      /Allowed: sessionTimeout, .*capRule \(refuse, evict-idle\)/s,
    );
  });

  it('is nothing when nothing is stated', () => {
    expect(parsePolicy([], TARGET)).toBeUndefined();
  });
});
