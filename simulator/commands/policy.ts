import * as z from 'zod';
import { CAP_RULES, type Policy, PolicySchema } from '../judge/policy.ts';
import { RequestError, type TargetRequest } from '../run-request.ts';
import { DurationError, parseDuration, resolveDuration } from '../scenario/duration.ts';

const DURATIONS = [
  'sessionTimeout',
  'cleanupInterval',
  'handshakeTimeout',
  'deadPeer',
  'streamLost',
  'drain',
] as const;
const NUMBERS = ['maxSessions', 'maxSessionsPerClient'] as const;
const CLAIMS = ['openStreamProtects', 'callProtects'] as const;

/** What `--policy` takes, for people. */
export const POLICY_HELP = [
  `${DURATIONS.join(', ')} (durations)`,
  `${NUMBERS.join(', ')} (numbers)`,
  `${CLAIMS.join(', ')} (on, off)`,
  `capRule (${CAP_RULES.join(', ')})`,
].join(', ');

/**
 * `sessionTimeout=5m`, … as a policy; undefined when nothing is stated.
 * @throws RequestError for what is no promise, or where the target states its own
 */
export function parsePolicy(
  entries: readonly string[],
  target: TargetRequest | undefined,
): Policy | undefined {
  if (entries.length === 0) return undefined;
  if (!target)
    throw new RequestError(
      '--policy is for --target, --command and --module: the reference hub publishes its own.',
    );
  const parsed = z.strictObject(PolicySchema.shape).safeParse(Object.fromEntries(entries.map(parsePromise)));
  if (parsed.success) return parsed.data;
  throw new RequestError(`--policy: ${z.prettifyError(parsed.error)}. Allowed: ${POLICY_HELP}.`);
}

function parsePromise(entry: string): [key: string, value: unknown] {
  const [name = '', value = ''] = entry.split('=');
  if (isOneOf(NUMBERS, name)) return [name, Number(value)];
  if (isOneOf(CLAIMS, name)) return [name, value === 'on' ? true : value === 'off' ? false : value];
  if (name === 'capRule') return [name, value];
  try {
    return [`${name}Ms`, resolveDuration(parseDuration(value), { T: null, C: null, H: null, D: null })];
  } catch (error) {
    if (!(error instanceof DurationError)) throw error;
    throw new RequestError(`--policy ${entry}: ${error.message}. Allowed: ${POLICY_HELP}.`);
  }
}

function isOneOf(words: readonly string[], word: string): boolean {
  return words.includes(word);
}
