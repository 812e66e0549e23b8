import { describe, expect, it } from 'vitest';
import { openScenario } from '../../simulator/commands/files.ts';
import { run } from '../../simulator/run.ts';
import { type LoadedScenario, parseScenario } from '../../simulator/scenario/load.ts';

/** The hub as a process of its own, over real sockets. */
async function real(loaded: LoadedScenario) {
  const result = await run({ loaded, mode: 'real', seed: 1 });
  const verdicts = Object.fromEntries(result.checks.map(({ name, verdict }) => [name, verdict]));
  return { result, verdicts };
}

const own = (text: string) =>
  parseScenario(`version: 1\nname: own\ndescription: Of a test.\n${text}settle: 5s\n`, 'own.yaml');

describe('the hub in a process of its own', { timeout: 60_000 }, () => {
  it('resumes streams exactly that were cut in the middle of events', async () => {
    const { result, verdicts } = await real(await openScenario('resume'));
    expect(verdicts).toMatchObject({ events_exact: 'pass', answers_correct: 'pass', calls_answered: 'pass' });
    expect(result.sessions.opened).toBe(90);
  });

  it('lets in as many a minute as it is told, and refuses the others with 429', async () => {
    const { result, verdicts } = await real(
      own(`
hub: { real: { initializeRate: 20, sessionTimeout: 1s, cleanupInterval: 200ms } }
workloads:
  at-once: { executor: per-vu-iterations, vus: 50, iterations: 1, flow: [initialize, expect-alive, delete] }
`),
    );
    expect(result.sessions).toMatchObject({ attempted: 50, opened: 20, refused: 30 });
    expect(result.errorGroups).toMatchObject([{ class: 'http_429', count: 30 }]);
    expect(verdicts).toMatchObject({ books_balance: 'pass', expectations_met: 'pass' });
  });

  it('holds one session to its rate; a client that comes back when it is told is served', async () => {
    const { result, verdicts } = await real(
      own(`
hub: { real: { sessionRate: 5, sessionTimeout: 20s } }
workloads:
  eager:
    executor: per-vu-iterations
    vus: 1
    iterations: 1
    client: { profile: compliant }
    flow: [initialize, { repeat: { times: 8, steps: [ping] } }, expect-alive, delete]
`),
    );
    expect(verdicts).toMatchObject({ expectations_met: 'pass', books_balance: 'pass' });
    expect(result.errorGroups?.map((group) => group.class)).toEqual(['http_429']);
    expect(result.sessions).toMatchObject({ opened: 1, deleted: 1 });
  });
});
