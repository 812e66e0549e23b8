import { stateFrom } from '../audit-session.ts';
import { type Finding, fail, type Probe, pass, undecided } from '../probe.ts';
import { initializeBody, type ProbeContext } from '../probe-context.ts';
import { said } from '../session-state.ts';
import { openAndDelete, whyNoMore } from '../short-sessions.ts';

/** Enough that letters drawn at random show that they are. */
const IDS = 200;
/** With fewer nothing is said of chance. */
const FEWEST_IDS = 20;
/** A server may take its time for DELETE. */
const AT_ONCE = 10;
const WITHIN_MS = 4_000;
const SHORTEST_ID = 16;
/** What is asked of session ids everywhere (OWASP, Session Management); a random UUID has 122. */
const LEAST_BITS = 64;

const CLAUSE = 'MCP 2025-11-25, basic/transports, Session Management 1';
const REMEDY = 'Make every id yourself, with crypto.randomUUID(), and look others up in your own table only.';

/** F34: ids come from a good source of chance. */
export const idsCannotBeGuessed: Probe = {
  name: 'ids_cannot_be_guessed',
  failureModes: ['F34'],
  demands: 'Session ids are unique, of visible ASCII, and too random to be guessed or counted up to.',
  limit: `unique, ${SHORTEST_ID} or more visible ASCII characters, at least ${LEAST_BITS} bits of chance`,
  clause: `${CLAUSE} and 2`,
  remedy: REMEDY,
  phase: 'load',
  needs: ['session'],
  lasts: () => WITHIN_MS,
  async run(context) {
    const opened = await openAndDelete(context, IDS, {
      enough: FEWEST_IDS,
      atOnce: AT_ONCE,
      withinMs: WITHIN_MS,
    });
    const { ids } = opened;
    if (ids.length < FEWEST_IDS) {
      return undecided(`${ids.length} ids`, `too few sessions could be opened: ${whyNoMore(opened)}`);
    }
    return judgeIds(ids);
  },
};

/** Judges the shape of ids, never showing one. Exported for its test. */
export function judgeIds(ids: readonly string[]): Finding {
  const bits = Math.floor(randomBits(ids));
  const shortest = Math.min(...ids.map(({ length }) => length));
  const observed = `${ids.length} ids of at least ${shortest} characters, about ${bits} bits of chance`;
  if (new Set(ids).size < ids.length) return fail(observed, 'two sessions were given the same id');
  if (!ids.every((id) => /^[\x21-\x7e]+$/.test(id))) {
    return fail(observed, 'an id contains what is no visible ASCII: some clients cannot send it back');
  }
  if (shortest < SHORTEST_ID || bits < LEAST_BITS) {
    return fail(observed, 'whoever has one id can guess others, and take over their sessions');
  }
  return pass(observed);
}

/**
 * About how much chance is in the ids: the Shannon entropy of each position, added up. Positions that depend on
 * each other count too much, so this finds counters, timestamps and short ids, and proves nothing good.
 */
function randomBits(ids: readonly string[]): number {
  const length = Math.max(...ids.map((id) => id.length));
  let bits = 0;
  for (let position = 0; position < length; position += 1) {
    const counts = new Map<string, number>();
    for (const id of ids) {
      const letter = id[position] ?? '';
      counts.set(letter, (counts.get(letter) ?? 0) + 1);
    }
    for (const count of counts.values()) bits -= (count / ids.length) * Math.log2(count / ids.length);
  }
  return bits;
}

/** F34: the server chooses the id, nobody else. */
export const chosenIdsAreNotAdopted: Probe = {
  name: 'chosen_ids_are_not_adopted',
  failureModes: ['F34'],
  demands: 'An id that a client brings along to initialize never becomes the id of a session.',
  limit: 'refused, or another id; the chosen one opens nothing',
  clause: `${CLAUSE}: the server assigns the id`,
  remedy: REMEDY,
  phase: 'quick',
  needs: ['session'],
  lasts: () => 500,
  async run(context) {
    const chosen = `chosen-by-the-client-${context.tag()}`;
    const peer = context.peer();
    const body = initializeBody();
    const answer = await peer.send({ method: 'POST', headers: { 'Mcp-Session-Id': chosen }, body }).done();
    const session = context.adopt(answer, peer);
    const headers = { 'Mcp-Session-Id': chosen, 'MCP-Protocol-Version': context.offer.protocolVersion };
    const used = await ping(context, headers);
    const observed = `initialize with an id: ${said(answer)}; ping with that id: ${said(used)}`;
    if (session?.id === chosen || stateFrom(used) === 'alive') {
      return fail(
        observed,
        'whoever makes a victim use an id of his choice has its session (session fixation)',
      );
    }
    return pass(observed);
  },
};

const ODD_IDS: readonly (readonly [what: string, id: string])[] = [
  ['8 KB long', 'x'.repeat(8_192)],
  ['not ASCII', 'sitzung-é-ключ'],
  ['a path', '../../etc/passwd'],
];

/** F34: an id that cannot be one is refused like any other. */
export const oddIdsAreRefused: Probe = {
  name: 'odd_ids_are_refused',
  failureModes: ['F34', 'F20'],
  demands: 'An id that is too long, not ASCII or made to confuse is refused, and breaks nothing.',
  limit: '4xx, or the connection closed; never 2xx nor 5xx',
  clause: `${CLAUSE} and 3`,
  remedy: 'Look ids up in a Map, and answer 404 for whatever is not in it.',
  phase: 'quick',
  needs: ['session'],
  lasts: () => 500,
  async run(context) {
    const wrong: string[] = [];
    for (const [what, id] of ODD_IDS) {
      const answer = await ping(context, { 'Mcp-Session-Id': id });
      const isRefused = answer.status === undefined || (answer.status >= 400 && answer.status < 500);
      if (!isRefused) wrong.push(`an id ${what}: ${said(answer)}`);
    }
    if (wrong.length === 0) return pass(`refused in ${ODD_IDS.length} of ${ODD_IDS.length}`);
    return fail(wrong.join(', '), 'an id that nobody was given is taken for one, or upsets the server');
  },
};

function ping(context: ProbeContext, headers: Readonly<Record<string, string>>) {
  const body = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
  return context.send({ method: 'POST', headers, body }).done();
}
