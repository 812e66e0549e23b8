import fc from 'fast-check';

/** Ids that JSON-RPC allows, and such as break what is careless with them. */
export const ids = fc.oneof(
  fc.integer({ min: -2, max: 5 }),
  fc.constantFrom<unknown>(
    ...[
      0,
      -0,
      1.5,
      2 ** 53,
      -(2 ** 53),
      1e21,
      1e308,
      '',
      '1',
      '0',
      'hub-ping-1',
      '__proto__',
      '\ud800',
      '😀',
    ],
    ...['x'.repeat(5_000), null, true, [], {}, [1], { id: 1 }],
  ),
);

const METHODS = [
  ...['initialize', 'ping', 'tools/list', 'tools/call', 'resources/list', 'prompts/get', 'logging/setLevel'],
  ...[
    'notifications/initialized',
    'notifications/cancelled',
    'notifications/progress',
    'notifications/roots/list_changed',
  ],
  ...['server/discover', 'tasks/get', 'tasks/cancel', '', 'constructor', '__proto__', 'rpc.x'],
];

/** What is a JSON-RPC message, nearly is one, or is none at all. */
export const messageValues: fc.Arbitrary<unknown> = fc
  .oneof(
    {
      weight: 5,
      arbitrary: fc.record(
        {
          jsonrpc: fc.constantFrom<unknown>('2.0', '2.0', '2.0', '2.0', '1.0', 2, null),
          id: ids,
          method: fc.constantFrom<unknown>(...METHODS, 7, null),
          params: fc.oneof(fc.object({ maxDepth: 2 }), fc.jsonValue()),
          result: fc.oneof(fc.object({ maxDepth: 2 }), fc.jsonValue()),
          error: fc.oneof(
            fc.record({
              code: fc.oneof(fc.integer(), fc.double()),
              message: fc.string(),
              data: fc.jsonValue(),
            }),
            fc.jsonValue(),
          ),
        },
        { requiredKeys: [] },
      ),
    },
    {
      weight: 3,
      arbitrary: fc.record(
        {
          jsonrpc: fc.constant('2.0'),
          id: fc.oneof(fc.integer(), fc.string()),
          method: fc.constantFrom(...METHODS),
          params: fc.object({ maxDepth: 1 }),
        },
        { requiredKeys: ['jsonrpc', 'method'] },
      ),
    },
    {
      weight: 1,
      arbitrary: fc.record({ jsonrpc: fc.constant('2.0'), id: ids, result: fc.object({ maxDepth: 1 }) }),
    },
    { weight: 1, arbitrary: fc.jsonValue() },
  )
  .map(jsonOnly);

/** `fc.object` also makes what JSON does not have: bigint, undefined, symbols. */
function jsonOnly(value: unknown): unknown {
  const text = JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'bigint' ? Number(inner) : inner,
  );
  return text === undefined ? null : JSON.parse(text);
}
