import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseByNode, parseByOurs } from '../simulator/mcp/parse-answer.ts';
import { cutAt, cutEverywhere, cuts, LIMIT_MS, mutate, mutations, runs } from './fuzz.ts';
import { validAnswers } from './http-answers.ts';

const bytesOf = (raw: string) => Buffer.from(raw, 'latin1');

/** Valid answers with small damages, and bytes that never were an answer. */
const damagedAnswers = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(validAnswers, mutations) },
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.string({ unit: 'binary', maxLength: 200 }).map((raw) => ({ method: 'POST', raw })),
      fc.constant([]),
    ),
  },
);

/** What the properties below have found, as small as they could make it. */
const FOUND: readonly [why: string, extension: string][] = [
  ['without a name', ';'],
  ['whose last one has no name', ';a=b;'],
  ['whose quotes are not closed', ';a="b'],
  ['with something after the quotes', ';a="b"c'],
  ['with a blank in a value without quotes', ';a=b c'],
];

describe('HttpParser, given chunk extensions that are none', () => {
  it.each(FOUND)('refuses one %s, as Node does', async (_why, extension) => {
    const bytes = bytesOf(
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2${extension}\r\nhi\r\n0\r\n\r\n`,
    );
    expect(await parseByNode([bytes])).toHaveProperty('error');
    expect(parseByOurs([bytes])).toEqual({ error: 'chunk-size' });
  });
});

describe('HttpParser, given anything', () => {
  it(
    'understands valid answers as they were meant, and as Node does, wherever the bytes are cut',
    async () => {
      await fc.assert(
        fc.asyncProperty(validAnswers, cuts, async ({ method, raw, status, body }, positions) => {
          const bytes = bytesOf(raw);
          const whole = parseByOurs([bytes], method);
          expect(whole).toMatchObject({ status, body });
          expect(parseByOurs(cutAt(bytes, positions), method)).toEqual(whole);
          expect(parseByOurs(cutEverywhere(bytes), method)).toEqual(whole);
          expect(comparable(await parseByNode(cutAt(bytes, positions), method), method)).toEqual(
            comparable(whole, method),
          );
        }),
        runs(400),
      );
    },
    LIMIT_MS,
  );

  it(
    'throws nothing but WireError, and the same one wherever the bytes are cut',
    () => {
      fc.assert(
        fc.property(damagedAnswers, cuts, ([{ method, raw }, damage], positions) => {
          const bytes = mutate(bytesOf(raw), damage);
          // Throws whatever is no WireError.
          const whole = parseByOurs([bytes], method);
          expect(parseByOurs(cutAt(bytes, positions), method)).toEqual(whole);
          expect(parseByOurs(cutEverywhere(bytes), method)).toEqual(whole);
        }),
        runs(2000),
      );
    },
    LIMIT_MS,
  );

  it(
    'takes no damaged answer that Node refuses or understands otherwise',
    async () => {
      await fc.assert(
        fc.asyncProperty(damagedAnswers, async ([{ method, raw }, damage]) => {
          const bytes = mutate(bytesOf(raw), damage);
          const ours = parseByOurs([bytes], method);
          if ('error' in ours || hasBlankBeforeExtension(bytes)) return;
          const byNode = await parseByNode([bytes], method);
          expect(comparable(byNode, method)).toEqual(comparable(ours, method));
        }),
        runs(600),
      );
    },
    LIMIT_MS,
  );
});

/** After HEAD, Node gives a connection up where the length is not stated; RFC 9112 (6.3) lets it live. */
function comparable(parsed: ReturnType<typeof parseByOurs>, method: string) {
  return method === 'HEAD' && 'keepsAlive' in parsed ? { ...parsed, keepsAlive: undefined } : parsed;
}

/** RFC 9112 (7.1.1) has recipients take blanks around chunk extensions; Node does not. */
function hasBlankBeforeExtension(bytes: Buffer): boolean {
  return /[\t ]+[;=]|[;=][\t ]+/.test(bytes.toString('latin1'));
}
