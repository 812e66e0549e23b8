import * as z from 'zod';
import { LIMITS, overLimit } from './limits.ts';

/** What the client itself sets: it frames the message or names the session. The wire client refuses the same names. */
export const CLIENT_SETS: readonly string[] = [
  'accept',
  'connection',
  'content-length',
  'content-type',
  'host',
  'last-event-id',
  'mcp-protocol-version',
  'mcp-session-id',
  'transfer-encoding',
];

const name = z.string().regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,1000}$/, {
  error: 'a header name is letters, digits and - . _ and the like, with no space and no colon',
});

/** May be a token: no message repeats it. */
const value = z
  .string({ error: 'a header is text: write it in quotes' })
  .max(LIMITS.clientHeaderValue.most, {
    error: overLimit('a header is', LIMITS.clientHeaderValue, ' characters'),
  })
  .regex(/^[\t\u0020-\u007e]*$/, { error: 'a header is one line of printable ASCII' });

/** Headers that every request of a client carries. */
export const clientHeaders = z
  .record(name, value)
  .superRefine((headers, context) => {
    const names = Object.keys(headers);
    const report = (message: string, path: string[]) =>
      context.addIssue({ code: 'custom', message, path, params: { at: 'key' }, input: names });
    if (names.length > LIMITS.clientHeaders.most) report(overLimit('headers are', LIMITS.clientHeaders), []);
    const seen = new Set<string>();
    for (const written of names) {
      const key = written.toLowerCase();
      if (CLIENT_SETS.includes(key)) {
        report(`the client sets ${written} itself; not allowed here: ${CLIENT_SETS.join(', ')}`, [written]);
      }
      if (seen.has(key)) report('this header stands twice: names of headers have no case', [written]);
      seen.add(key);
    }
  })
  .meta({
    description: 'Sent with every request of this workload, before those of --header; never shown in reports',
  });

const identity = z.string().regex(/^[A-Za-z][\w.-]{0,99}$/, {
  error: 'an identity is named by letters, digits, _ . and -, beginning with a letter',
});

/** As the hub reads them: a token of RFC 6750, long enough not to be guessed. */
const token = z
  .string({ error: 'a token is text: write it in quotes' })
  .regex(/^[A-Za-z0-9._~+/-]{16,4096}=*$/, {
    error: 'a token is at least 16 letters, digits and - . _ ~ + /',
  });

/** Who may use the bundled hub, and by which token each is known. */
export const authTokens = z
  .record(identity, token)
  .refine((tokens) => Object.keys(tokens).length > 0, { error: 'tokens are not empty: leave the key out' })
  .refine((tokens) => Object.keys(tokens).length <= LIMITS.authTokens.most, {
    error: overLimit('tokens are', LIMITS.authTokens),
  })
  .meta({
    description:
      'Tokens that the hub demands, by identity; its sessions are looked at with the first of them, unless --header says Authorization',
  });
