import type { Check } from './check.ts';
import { formatCount, grouped } from './format.ts';

/** Why requests of the simulator never left its machine, and what is known of its limits. */
export interface OwnLimits {
  /** How many, by error code (`EMFILE`, `EADDRNOTAVAIL`, …). */
  readonly failures: Readonly<Record<string, number>>;
  /** Files that the simulator may have open; undefined where nobody tells. */
  readonly openFiles: number | undefined;
}

/**
 * Requests that never left are no fault of the target's, and no other check counts them. But a run without them is not
 * the run that was asked for, and may not pass for it. Nothing is judged where there were none.
 */
export function judgeOwnLimits({ failures, openFiles }: OwnLimits): Check[] {
  const codes = Object.keys(failures).sort((a, b) => (failures[b] ?? 0) - (failures[a] ?? 0));
  if (codes.length === 0) return [];
  const total = Object.values(failures).reduce((sum, count) => sum + count, 0);
  return [
    {
      name: 'all_requests_sent',
      kind: 'invariant',
      class: 'counts',
      verdict: 'invalid',
      observed: `${formatCount(total, 'request')} never left this machine (${codes.map((code) => `${code} ${grouped(failures[code] ?? 0)}`).join(', ')})`,
      limit: '0',
      reason: codes.map((code) => remedyOf(code, openFiles)).join('; '),
      failureModes: [],
      evidence: [],
    },
  ];
}

/** What stood in the way, and what to do about it. */
function remedyOf(code: string, openFiles: number | undefined): string {
  switch (code) {
    case 'EMFILE': {
      const limit = openFiles === undefined ? '' : ` (${grouped(openFiles)} here)`;
      return `each connection of the simulator is an open file, and it may have no more${limit}: raise the limit (ulimit -n), or have fewer clients at once`;
    }
    case 'ENFILE':
      return 'this machine has no file left to open: raise its limit (fs.file-max), or have fewer clients at once';
    case 'EADDRNOTAVAIL':
      return 'no port is left for another connection to the target: have fewer clients at once, or widen the range (net.ipv4.ip_local_port_range)';
    case 'ENOBUFS':
      return 'this machine has no memory left for connections: have fewer clients at once';
    case 'too-many-waiting':
      return 'a client asked for more at once than it has connections for: let its flow wait for answers';
    default:
      return `the simulator's own machine refused (${code})`;
  }
}
