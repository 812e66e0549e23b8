import { describe, expect, it } from 'vitest';
import { judgeOwnLimits } from '../../../simulator/judge/own-limits.ts';

describe('limits of the simulator’s own machine', () => {
  it('are not spoken of while they are not met', () => {
    expect(judgeOwnLimits({ failures: {}, openFiles: 1_024 })).toEqual([]);
  });

  it('leave the run undecided, with how many requests never left, the commonest reason first', () => {
    const [check, ...others] = judgeOwnLimits({
      failures: { EADDRNOTAVAIL: 2, EMFILE: 1_234 },
      openFiles: 1_024,
    });
    expect(others).toEqual([]);
    expect(check).toMatchObject({
      name: 'all_requests_sent',
      verdict: 'invalid',
      observed: '1,236 requests never left this machine (EMFILE 1,234, EADDRNOTAVAIL 2)',
    });
    expect(check?.reason).toMatch(/^each connection .*\(1,024 here\).*ulimit -n.*; no port is left/);
  });

  it.each([
    ['EMFILE', undefined, 'ulimit -n'],
    ['ENFILE', 1_024, 'fs.file-max'],
    ['EADDRNOTAVAIL', 1_024, 'ip_local_port_range'],
    ['ENOBUFS', 1_024, 'memory'],
    ['too-many-waiting', 1_024, 'wait for answers'],
    ['EWHATEVER', 1_024, 'EWHATEVER'],
  ])('%s: says what to do', (code, openFiles, remedy) => {
    const [check] = judgeOwnLimits({ failures: { [code]: 1 }, openFiles });
    expect(check?.reason).toContain(remedy);
    expect(check?.reason).not.toContain('undefined');
  });
});
