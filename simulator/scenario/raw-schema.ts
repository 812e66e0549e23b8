import * as z from 'zod';
import { LIMITS } from './limits.ts';
import { duration, text, whole, word } from './schema-parts.ts';

/** A line ends what it stands in: more than one line could not be told from a header or request of its own. */
const ONE_LINE = /^[^\r\n]*$/;

const repeated = z.strictObject({
  repeat: text('repeat', LIMITS.rawHeaderValue),
  times: whole('times', LIMITS.rawBodyBytes),
});

const nested = repeated.extend({
  close: text('close', LIMITS.rawHeaderValue).optional().meta({ description: 'Said as often, after it' }),
});

const headerName = z.string().regex(/^[^\s:]{1,1000}$/, { error: 'a header name has no space and no colon' });
const headerValue = z.union(
  [z.string().max(LIMITS.rawHeaderValue.most).regex(ONE_LINE, { error: 'a header is one line' }), repeated],
  { error: "expected text, or { repeat: 'x', times: 20000 }" },
);

const status = z.union(
  [
    z
      .int({ error: 'a status is a whole number' })
      .min(200, { error: 'a final status is from 200 to 599' })
      .max(599, { error: 'a final status is from 200 to 599' }),
    word('status', ['closed']),
  ],
  { error: 'expected a status from 200 to 599, or closed' },
);

/** Any HTTP request at all, also one that no client should send. */
export const rawRequest = z
  .strictObject({
    method: z.string().regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100}$/, { error: 'a method is one word' }),
    path: z
      .string()
      .min(1, { error: 'a path is not empty' })
      .max(LIMITS.rawHeaderValue.most)
      .regex(/^\S*$/, { error: 'a path has no spaces' })
      .optional()
      .meta({ description: "That of the target's endpoint" }),
    headers: z
      .record(headerName, headerValue)
      .refine((headers) => Object.keys(headers).length <= LIMITS.rawHeaders.most, {
        error: `headers are at most ${LIMITS.rawHeaders.most}: ${LIMITS.rawHeaders.reason}`,
      })
      .optional()
      .meta({
        description: 'Beside Host and Content-Length, which may be given, too; $session stands for the id',
      }),
    body: z
      .union([z.string(), nested], { error: "expected text, or { repeat: '[', times: 100000, close: ']' }" })
      .optional(),
    bodyBytes: whole('bodyBytes', LIMITS.rawBodyBytes)
      .optional()
      .meta({ description: 'A body of so many bytes, whatever is in it' }),
    timeout: duration.optional().meta({ description: 'How long the client waits for the answer; 60s' }),
    expect: z.strictObject({
      status: z.union([status, z.array(status).min(1, { error: 'a list of statuses is not empty' })], {
        error: 'expected a status, or a list of them',
      }),
    }),
  })
  .refine(({ body, bodyBytes }) => body === undefined || bodyBytes === undefined, {
    error: 'body and bodyBytes exclude each other',
  });
export type RawSettings = z.infer<typeof rawRequest>;
