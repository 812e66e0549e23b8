import type { Need, Probe } from './probe.ts';
import type { AuditParts } from './probe-context.ts';

/** Larger caps are not filled by an audit: that is a load test. */
export const LARGEST_CAP = 2_000;

/** Why the probe cannot see anything on this target, and what would let it; undefined when it can. */
export function unmetNeed(probe: Probe, parts: AuditParts): string | undefined {
  for (const need of probe.needs) {
    if (!isMet(need, parts)) return REASONS[need];
  }
  return undefined;
}

function isMet(
  need: Need,
  { offer, policy, sessions, target, otherHeaders, endlessForMs, stepWallClock }: AuditParts,
): boolean {
  switch (need) {
    case 'session':
      return offer.opensSessions;
    case 'sessionless':
      return !offer.opensSessions;
    case 'count':
      return sessions.visibility !== 'none';
    case 'listing':
      return sessions.visibility === 'listed';
    case 'echo':
    case 'slow':
    case 'chatty':
    case 'notice':
      return offer[need] !== undefined;
    case 'stream':
      return offer.hasStream;
    case 'reaping':
      return policy.sessionTimeoutMs !== null || (endlessForMs ?? 0) >= ENDLESS_MS;
    case 'idle-timeout':
      return policy.sessionTimeoutMs !== null;
    case 'handshake-timeout':
      return policy.handshakeTimeoutMs !== null;
    case 'dead-peer':
      return policy.deadPeerMs !== null && policy.sessionTimeoutMs !== null;
    case 'stream-protects':
      return policy.openStreamProtects && policy.sessionTimeoutMs !== null;
    case 'stream-lost':
      return policy.streamLostMs !== null;
    case 'cap':
      return policy.maxSessions !== null && policy.maxSessions <= LARGEST_CAP;
    case 'drain':
      return target.signal !== undefined && target.exited !== undefined && target.start !== undefined;
    case 'drain-time':
      return policy.drainMs !== null;
    case 'process':
      return target.exited !== undefined;
    case 'restart':
      return target.kill !== undefined && target.start !== undefined;
    case 'pid':
      return target.pid !== undefined;
    case 'sockets':
      return target.hasSockets === true;
    case 'other-identity':
      return otherHeaders !== undefined;
    case 'clock-jump':
      return stepWallClock !== undefined;
  }
}

/** No server means a session that nobody used for a day. */
export const ENDLESS_MS = 24 * 3_600_000;

const REASONS: Record<Need, string> = {
  session: 'the server opens no sessions: initialize is answered without Mcp-Session-Id',
  sessionless: 'the server opens sessions, and this is about servers that open none',
  count: 'the server shows no number of sessions: name a source with --sessions-from',
  listing: 'the server lists no sessions by fingerprint (GET /sessions)',
  echo: 'no tool is known that gives back what it is given: name one with --echo-tool',
  slow: 'no tool is known that takes its time: name one with --slow-tool',
  chatty: 'no tool is known that sends progress while it works',
  notice: 'no tool is known that makes the server send a notification on the GET stream',
  stream: 'the server offers no GET stream (405)',
  reaping: 'no idle timeout is promised, and no session was seen to end: state it with --session-timeout',
  'idle-timeout': 'no idle timeout is promised, and none was found: state it with --session-timeout',
  'handshake-timeout': 'no handshake deadline is promised: state it with --policy handshakeTimeout=…',
  'dead-peer':
    'it is not promised how long the stream of a dead peer may protect: state it with --policy deadPeer=…',
  'stream-protects':
    'it is not promised that an open stream keeps its session: state it with --policy openStreamProtects=on',
  'stream-lost':
    'no time is promised that a session outlives the loss of its stream: state it with --policy streamLost=…',
  cap: `no cap of at most ${LARGEST_CAP} sessions is promised: state it with --policy maxSessions=…`,
  drain: 'the server is not ours to end and to start again: use --command or --module',
  'drain-time': 'it is not promised how long a shutdown waits for calls: state it with --policy drain=…',
  process: 'the server is not a process of ours: use --command or --module',
  restart: 'the server is not ours to start again: use --command or --module',
  pid: 'the process behind the server is not known: use --command',
  sockets: "it takes real sockets, and Node's own time-outs on them: use --mode real",
  'other-identity': 'a second identity is not known: give its headers with --other-header',
  'clock-jump': 'the clock of a server in real time cannot be stepped: use --module',
};
