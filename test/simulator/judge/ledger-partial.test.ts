import type { Script } from './ledger-script.ts';
import { table } from './ledger-table.ts';

/** Half a request sent at this second, and given up at that one. */
function half(script: Script, from: number, until: number, longest = 0): Script {
  script.event(1, from, { kind: 'request-sent', request: 900, handshake: true, isPartial: true });
  return script.aborted(1, 900, until, longest);
}

table('Half a request', [
  {
    title: 'obliges nobody: T goes on from the last whole one',
    play: (s) => half(s.open(1, 0), 5, 30).look(30, []),
  },
  {
    title: 'where a whole one would: its session must live while it is waited for',
    play: (s) => {
      const request = s.open(1, 0).send(1, 5);
      return s.look(30, []).aborted(1, request, 31, 60);
    },
    lost: [1],
  },
  {
    title: 'does not take away what is owed anyway',
    play: (s) => half(s.open(1, 0), 5, 9).look(9.5, []),
    lost: [1],
  },
  {
    title: 'may have been activity all the same: tolerated until T + C after it was given up',
    play: (s) => half(s.open(1, 0), 5, 30).look(41.9, [1]).look(43, []),
  },
  {
    title: 'but not longer',
    play: (s) => half(s.open(1, 0), 5, 30).abandon(1, 30).look(42.1, [1]),
    leaked: [1],
  },
]);
