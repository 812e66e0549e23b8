import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { Launch } from '../../../simulator/targets/in-process.ts';
import type { DefectName } from '../../broken-hubs/defects.ts';
import { createSdkServer } from '../../broken-hubs/sdk-server.ts';
import { auditVirtually, POLICY } from './auditing.ts';

const NAMES = ['abandoned_sessions_are_reaped', 'sessions_are_not_reaped_early'];

/** The SDK server behind a front that keeps to itself what it promises and holds. */
function silent(defect?: DefectName): Launch {
  return () => {
    const behind = createSdkServer(POLICY, defect);
    const server = createServer((request, response) => {
      if (request.url === '/mcp') behind.server.emit('request', request, response);
      else response.writeHead(404).end();
    });
    return {
      server,
      shutdown: async () => {
        server.close();
        await behind.shutdown();
      },
    };
  };
}

describe('A server that promises nothing', () => {
  it('is asked by canaries when it ends sessions, and held to that', async () => {
    const notes: string[] = [];
    const { checks, policy } = await auditVirtually(silent(), {
      only: NAMES,
      onPlan: (plan) => notes.push(...plan.notes),
    });
    expect(checks.map(({ verdict }) => verdict)).toEqual(['pass', 'pass']);
    // T = 5 min and C = 1 min: sessions end between the two.
    expect(policy.sessionTimeoutMs).toBeLessThanOrEqual(300_000);
    expect((policy.sessionTimeoutMs ?? 0) + policy.cleanupIntervalMs).toBeGreaterThan(300_000);
    expect(notes.join()).toContain('idle timeout: not promised; found out');
  });

  it('fails when it ends no session within a day', async () => {
    const { checks } = await auditVirtually(silent('no-reaper'), { only: NAMES });
    expect(checks[0]).toMatchObject({ verdict: 'fail', failureModes: ['F01'] });
    expect(checks[1]).toMatchObject({ verdict: 'not-observable' });
  });

  it('is not asked when no chosen check needs to know', async () => {
    const { durationMs } = await auditVirtually(silent('no-reaper'), { only: ['unknown_session_is_404'] });
    expect(durationMs).toBeLessThan(60_000);
  });
});
