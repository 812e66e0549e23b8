import { JSONRPCMessageSchema } from '@modelcontextprotocol/sdk/types.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classify, MAX_JSON_DEPTH, parseMessages } from '../../simulator/mcp/json-rpc.ts';
import { LIMIT_MS, mutate, mutations, runs } from './fuzz.ts';
import { messageValues } from './messages.ts';

const KINDS = ['request', 'notification', 'result', 'error', 'malformed'];

const texts = fc.oneof(
  fc.json(),
  fc.string({ unit: 'binary' }),
  messageValues.map((value) => JSON.stringify(value)),
  fc.array(messageValues, { maxLength: 5 }).map((values) => JSON.stringify(values)),
  fc
    .tuple(messageValues, mutations)
    .map(([value, damage]) => mutate(Buffer.from(JSON.stringify(value)), damage).toString()),
  fc
    .tuple(fc.constantFrom('[', '{"a":', '[{"jsonrpc":'), fc.integer({ min: 1, max: 3 * MAX_JSON_DEPTH }))
    .map(([opening, depth]) => opening.repeat(depth)),
  fc.integer({ min: 1, max: 3 * MAX_JSON_DEPTH }).map((depth) => {
    const nested = `${'['.repeat(depth)}${']'.repeat(depth)}`;
    return `{"jsonrpc":"2.0","id":1,"result":{"deep":${nested}}}`;
  }),
);

describe('JSON-RPC messages of a stranger', () => {
  it(
    'are always classified: no text makes the reader throw, or say nothing',
    () => {
      fc.assert(
        fc.property(texts, (text) => {
          const messages = parseMessages(text);
          expect(messages.length).toBeGreaterThan(0);
          for (const { kind } of messages) expect(KINDS).toContain(kind);
        }),
        runs(5000),
      );
    },
    LIMIT_MS,
  );

  it(
    'are what the SDK takes them for, where that takes them',
    () => {
      let taken = 0;
      fc.assert(
        fc.property(messageValues, (value) => {
          const bySdk = JSONRPCMessageSchema.safeParse(JSON.parse(JSON.stringify(value)));
          if (!bySdk.success) return;
          taken += 1;
          expect(classify(bySdk.data).kind).toBe(kindOf(bySdk.data));
        }),
        runs(2000),
      );
      expect(taken).toBeGreaterThan(0);
    },
    LIMIT_MS,
  );
});

function kindOf(message: object): string {
  if ('method' in message) return 'id' in message ? 'request' : 'notification';
  return 'result' in message ? 'result' : 'error';
}
