/** What a scenario has to contain for an invariant to see anything at all. */
export type Evidence =
  | 'signal'
  | 'no-signal'
  | 'call'
  | 'stream'
  | 'arrivals'
  | 'expectation'
  | 'expect-gone'
  | 'events'
  | 'cap'
  | 'reap';

export interface InvariantDefinition {
  readonly describes: string;
  /** Failure modes (F01 … F58) it looks for. */
  readonly failureModes: readonly string[];
  /** Without all of these the invariant would only ever say no-data. */
  readonly needs?: readonly Evidence[];
}

/** Every invariant there is, as named in scenario files. */
export const INVARIANTS = {
  sessions_not_lost: {
    describes: 'A session that the policy protects is alive in every sample of the target.',
    failureModes: ['F12', 'F13', 'F15', 'F16', 'F17', 'F18'],
  },
  sessions_not_leaked: {
    describes: 'No session is alive in any sample after the last moment at which the policy tolerates it.',
    failureModes: ['F01', 'F02', 'F03', 'F04', 'F05', 'F08', 'F14', 'F47'],
  },
  reap_lag: {
    describes:
      'Sessions that nobody ended are reaped neither before T nor after T + C (plus D or S where they apply).',
    failureModes: ['F01', 'F08', 'F14', 'F15'],
    needs: ['reap'],
  },
  books_balance: {
    describes:
      'Attempted sessions are opened, refused, failed or unknown, and opened ones ended or are live: no session is uncounted.',
    failureModes: ['F02', 'F03', 'F05', 'F46'],
  },
  returns_to_zero: {
    describes: 'After the last settle the target holds none of the sessions of this run.',
    failureModes: ['F01', 'F05', 'F06', 'F07', 'F08'],
    needs: ['no-signal'],
  },
  answers_correct: {
    describes: 'Every answer belongs to the request and the session that asked for it.',
    failureModes: ['F28', 'F29', 'F30', 'F31', 'F56'],
    needs: ['call'],
  },
  calls_answered: {
    describes: 'Every call that the client waited for got a complete answer before its time-out.',
    failureModes: ['F12', 'F17', 'F28', 'F36'],
    needs: ['call'],
  },
  events_exact: {
    describes:
      'Every event that a call sent arrives once and in order, on its own session, also after a resume.',
    failureModes: ['F29', 'F30', 'F31', 'F41', 'F42', 'F48'],
    needs: ['events'],
  },
  cap_held: {
    describes:
      'The target never holds more sessions than its cap, refuses with 503 or 429, and only while it is full.',
    failureModes: ['F23', 'F45', 'F46', 'F47'],
    needs: ['cap'],
  },
  gone_is_404: {
    describes: 'A request on a session that has ended is answered with 404 and a JSON-RPC error.',
    failureModes: ['F20', 'F21', 'F52'],
    needs: ['expect-gone'],
  },
  expectations_met: {
    describes: 'Every expect-gone, expect-alive and raw step found what it expected.',
    failureModes: ['F01', 'F12', 'F15', 'F20'],
    needs: ['expectation'],
  },
  drain_answers_calls: {
    describes:
      'Calls in flight when the signal comes are answered before the drain deadline, with a result or an error.',
    failureModes: ['F36', 'F37'],
    needs: ['signal', 'call'],
  },
  drain_ends_streams: {
    describes: 'Streams open when the signal comes are ended by the target, not cut off.',
    failureModes: ['F24', 'F38'],
    needs: ['signal', 'stream'],
  },
  drain_accepts_nothing: {
    describes: 'After the signal the target opens no further session.',
    failureModes: ['F37'],
    needs: ['signal', 'arrivals'],
  },
  exits_by_itself: {
    describes: 'After the signal and the drain the target process ends by itself, with code 0.',
    failureModes: ['F38', 'F58'],
    needs: ['signal'],
  },
  target_survives: {
    describes: 'A target that was not told to end is still there at the end of the run.',
    failureModes: ['F39', 'F40'],
    needs: ['no-signal'],
  },
} as const satisfies Record<string, InvariantDefinition>;

export type InvariantName = keyof typeof INVARIANTS;

export const INVARIANT_NAMES: readonly InvariantName[] = Object.keys(INVARIANTS).filter(isInvariantName);

export function isInvariantName(name: string): name is InvariantName {
  return Object.hasOwn(INVARIANTS, name);
}

/** What the invariant needs to see; nothing when any scenario will do. */
export function neededEvidence(name: InvariantName): readonly Evidence[] {
  const { needs = [] }: InvariantDefinition = INVARIANTS[name];
  return needs;
}
