import { describe, expect, it } from 'vitest';
import {
  buildError,
  buildNotification,
  buildRequest,
  buildResult,
  MAX_JSON_DEPTH,
  parseMessages,
} from '../../../simulator/mcp/json-rpc.ts';

const V = '"jsonrpc":"2.0"';

describe('parseMessages', () => {
  const rows: readonly [why: string, text: string, kinds: readonly string[]][] = [
    ['a request', `{${V},"id":1,"method":"ping"}`, ['request']],
    ['a request with a string id', `{${V},"id":"a","method":"ping","params":{}}`, ['request']],
    ['a notification', `{${V},"method":"notifications/x"}`, ['notification']],
    ['a result', `{${V},"id":1,"result":{}}`, ['result']],
    ['an error', `{${V},"id":1,"error":{"code":-32600,"message":"no"}}`, ['error']],
    [
      'an error about no request in particular',
      `{${V},"id":null,"error":{"code":1,"message":""}}`,
      ['error'],
    ],
    ['an error without an id', `{${V},"error":{"code":1,"message":""}}`, ['error']],
    ['a batch', `[{${V},"id":1,"result":{}},{${V},"method":"x"}]`, ['result', 'notification']],
    ['an empty batch', '[]', ['malformed']],
    ['no JSON', '{', ['malformed']],
    ['a string', '"x"', ['malformed']],
    ['null', 'null', ['malformed']],
    ['no version', '{"id":1,"result":{}}', ['malformed']],
    ['another version', '{"jsonrpc":"1.0","id":1,"result":{}}', ['malformed']],
    ['result and error', `{${V},"id":1,"result":{},"error":{"code":1,"message":""}}`, ['malformed']],
    ['result and method', `{${V},"id":1,"result":{},"method":"x"}`, ['malformed']],
    ['neither result nor error nor method', `{${V},"id":1}`, ['malformed']],
    ['a result with the id null', `{${V},"id":null,"result":{}}`, ['malformed']],
    ['a request with the id null', `{${V},"id":null,"method":"x"}`, ['malformed']],
    ['a fraction as id', `{${V},"id":1.5,"result":{}}`, ['malformed']],
    ['an object as id', `{${V},"id":{},"result":{}}`, ['malformed']],
    ['a result that is no object', `{${V},"id":1,"result":[]}`, ['malformed']],
    ['a result that is null', `{${V},"id":1,"result":null}`, ['malformed']],
    ['an error without a code', `{${V},"id":1,"error":{"message":""}}`, ['malformed']],
    ['an error whose code is a string', `{${V},"id":1,"error":{"code":"1","message":""}}`, ['malformed']],
    ['an error without a message', `{${V},"id":1,"error":{"code":1}}`, ['malformed']],
    ['a method that is a number', `{${V},"id":1,"method":1}`, ['malformed']],
    ['params that are a list', `{${V},"id":1,"method":"x","params":[]}`, ['malformed']],
  ];
  it.each(rows)('given %s: %s is %j', (_why, text, kinds) => {
    expect(parseMessages(text).map((message) => message.kind)).toEqual(kinds);
  });

  const depths: readonly [why: string, text: string, kind: string][] = [
    ['as deep as allowed', nested(MAX_JSON_DEPTH - 2), 'result'],
    ['deeper', nested(MAX_JSON_DEPTH + 1), 'malformed'],
    ['brackets in a string', `{${V},"id":1,"result":{"a":"\\"${'['.repeat(5000)}"}}`, 'result'],
    ['brackets side by side', `{${V},"id":1,"result":{"a":[${'[],'.repeat(2000)}[]]}}`, 'result'],
  ];
  it.each(depths)('bounds the depth: %s', (_why, text, kind) => {
    expect(parseMessages(text)[0]?.kind).toBe(kind);
  });
});

describe('the builders', () => {
  const rows: readonly [kind: string, text: string][] = [
    ['request', buildRequest(1, 'tools/call', { name: 'é' })],
    ['request', buildRequest('a', 'ping')],
    ['notification', buildNotification('notifications/initialized')],
    ['result', buildResult('a', {})],
    ['error', buildError(7, -32601, 'no such method')],
  ];
  it.each(rows)('build a %s that reads back as one: %s', (kind, text) => {
    expect(parseMessages(text).map((message) => message.kind)).toEqual([kind]);
  });
});

function nested(depth: number): string {
  return `{${V},"id":1,"result":{"a":${'['.repeat(depth)}${']'.repeat(depth)}}}`;
}
