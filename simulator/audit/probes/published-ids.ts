import { stateFrom } from '../audit-session.ts';
import { fail, type Probe, pass, undecided } from '../probe.ts';
import type { ProbeContext } from '../probe-context.ts';

/** What operators look at, and what anybody may find. */
const PAGES = ['/health', '/sessions', '/metrics', '/status', '/'];
const PAGE_WITHIN_MS = 1_000;
/** A page may list thousands: the first are enough to see of which kind they are. */
const MOST_TRIED = 60;

/** F33: what a server shows without asking who looks is no way into a session. */
export const pagesShowNoSessionIds: Probe = {
  name: 'pages_show_no_session_ids',
  failureModes: ['F33'],
  demands: 'Nothing that is shown without credentials is accepted as the id of a session.',
  limit: 'no live id in the text, and no string in it that opens a session',
  clause: 'MCP 2025-11-25, basic/transports, Session Management 2: ids are handled in a secure manner',
  remedy: 'Show a digest of the id, or a running number, never the id; counts are enough for health.',
  phase: 'quick',
  needs: ['session'],
  lasts: () => 1_500,
  async run(context) {
    const session = await context.open();
    const looker = context.peer({ headers: {} });
    const shown: string[] = [];
    const tried = new Set<string>();
    context.clearEvidence();
    for (const path of PAGES) {
      const request = { method: 'GET', path, headers: { Accept: '*/*' } };
      const answer = await looker.send(request, { timeoutMs: PAGE_WITHIN_MS }).done();
      if (answer.status !== 200) continue;
      const text = answer.body + answer.messages.map((received) => received.text).join('\n');
      shown.push(path);
      if (text.includes(session.id)) {
        return fail(
          `GET ${path} shows the id of a live session`,
          'whoever reads that page owns its sessions',
        );
      }
      for (const word of wordsLikeIds(text)) if (tried.size < MOST_TRIED) tried.add(word);
    }
    if (shown.length === 0) return pass('nothing is shown without credentials');
    if ((await firstAccepted(context, [`nobodys-${context.tag()}`])) !== undefined) {
      return undecided(shown.join(', '), 'the server takes whatever it is given for an id');
    }
    const taken = await firstAccepted(context, tried);
    const observed = `${shown.join(', ')}: ${tried.size} strings tried as ids`;
    if (taken === undefined) return pass(`${observed}, none accepted`);
    return fail(`${observed}, one accepted`, 'what that page shows of a session is enough to use it');
  },
};

/** As long as an id that anyone would hand out, and with a digit: what else is in a page are words. */
function wordsLikeIds(text: string): Set<string> {
  const words = text.match(/[\w.~+/=-]{8,}/g) ?? [];
  return new Set(words.filter((word) => /\d/.test(word)));
}

async function firstAccepted(context: ProbeContext, ids: Iterable<string>): Promise<string | undefined> {
  const peer = context.peer();
  const body = '{"jsonrpc":"2.0","id":2,"method":"ping"}';
  for (const id of ids) {
    const headers = { 'Mcp-Session-Id': id, 'MCP-Protocol-Version': context.offer.protocolVersion };
    const answer = await peer.send({ method: 'POST', headers, body }).done();
    if (stateFrom(answer) === 'alive') return id;
  }
  return undefined;
}
