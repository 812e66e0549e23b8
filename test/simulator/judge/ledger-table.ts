import { describe, expect, test } from 'vitest';
import type { Policy } from '../../../simulator/judge/policy.ts';
import { Script, sessionsOf } from './ledger-script.ts';

export interface Case {
  /** What happens, and what the ledger must make of it. */
  readonly title: string;
  readonly policy?: Partial<Policy>;
  readonly epsilonMs?: number;
  readonly play: (script: Script) => unknown;
  readonly lost?: (number | null)[];
  readonly leaked?: (number | null)[];
  /** When the first accusation was due, s: none before it. */
  readonly when?: number;
}

export function table(name: string, cases: readonly Case[]): void {
  describe(name, () => {
    test.each(cases)('$title', ({ policy, epsilonMs = 0, play, lost = [], leaked = [], when }) => {
      const script = new Script(policy, epsilonMs);
      play(script);
      const report = script.close(1_000);
      expect({ lost: sessionsOf(report.lost), leaked: sessionsOf(report.leaked) }).toEqual({ lost, leaked });
      const first = [...report.lost.first, ...report.leaked.first].map(({ toMs }) => toMs / 1000);
      if (when !== undefined) expect(Math.min(...first)).toBe(when);
    });
  });
}
