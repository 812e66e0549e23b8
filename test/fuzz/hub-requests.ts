import fc from 'fast-check';
import { cuts, type Mutation, mutate, mutations } from './fuzz.ts';
import { ids, messageValues } from './messages.ts';

/** No call that is sent here takes longer, however it is damaged. */
export const MAX_CALL_MS = 30_000;

/** Which session a request names: the n-th that this story opened (or none yet), or what stands here. */
export type SessionRef = { readonly nth: number } | { readonly text: string | undefined };

export interface FuzzRequest {
  readonly method: string;
  readonly path: string;
  readonly session: SessionRef;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer | undefined;
  readonly isChunked: boolean;
}

/** What is done on one connection. */
export interface Visit {
  /** After the visit before it began. */
  readonly afterMs: number;
  /** More than one is pipelining. */
  readonly requests: readonly FuzzRequest[];
  /** Of the bytes: what is damaged need not be answered. */
  readonly damage: readonly Mutation[];
  readonly cuts: readonly number[];
  readonly pauseMs: number;
  /** In percent. What is sent only in part need not be answered. */
  readonly sentShare: number;
  /** `stay`: until the story ends. Whoever leaves earlier need not be answered. */
  readonly leaves: 'stay' | 'end' | 'reset' | 'freeze';
  readonly leavesAfterMs: number;
}

const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const initialize = (params: object) => json({ jsonrpc: '2.0', id: 1, method: 'initialize', params });

const ORDINARY_PARAMS = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'fuzz', version: '1' },
};

const versions = fc.constantFrom<unknown>(
  '2025-11-25',
  '2025-06-18',
  '2025-03-26',
  '2026-07-28',
  '',
  42,
  null,
);

const initializeBodies = fc
  .record(
    {
      protocolVersion: versions,
      capabilities: fc.oneof(fc.constant({}), fc.object({ maxDepth: 1 })),
      clientInfo: fc.oneof(
        fc.record({ name: fc.string({ unit: 'binary' }), version: fc.string() }),
        fc.constantFrom({ name: 'constructor', version: '1' }, { name: 7 }, null),
      ),
      _meta: fc.object({ maxDepth: 1 }),
    },
    { requiredKeys: ['protocolVersion', 'capabilities'] },
  )
  .map((params) => initialize(JSON.parse(asJson(params))));

/** What each tool takes, or nearly. */
const toolCalls: fc.Arbitrary<readonly [name: string, args: unknown]> = fc.oneof(
  pair('sleep', fc.record({ ms: fc.constantFrom(0, 3, 500, 9_000, -1, 0.5) })),
  pair('echo', fc.record({ message: fc.string({ unit: 'binary' }) })),
  pair('echo', fc.constant({ message: 'x'.repeat(30_000) })),
  pair(
    'emit',
    fc.record({ count: fc.constantFrom(0, 1, 5, 90, 1.5), intervalMs: fc.constantFrom(0, 1, 200) }),
  ),
  pair('fail', fc.record({ how: fc.constantFrom('throw', 'result', 'x') })),
  pair(
    'register_agent',
    fc.record({ name: fc.constantFrom('a', 'b', '', '__proto__'), description: fc.string() }),
  ),
  pair('list_agents', fc.record({ after: fc.integer(), limit: fc.integer() }, { requiredKeys: [] })),
  pair('send_message', fc.record({ to: fc.constantFrom('a', 'b'), message: fc.string() })),
  fc.tuple(fc.constantFrom('sleep', 'get_conversation', 'nothing', '__proto__', ''), fc.jsonValue()),
);

function pair(name: string, args: fc.Arbitrary<unknown>): fc.Arbitrary<readonly [string, unknown]> {
  return args.map((value) => [name, value] as const);
}

const callBodies = fc
  .record({
    id: fc.oneof(fc.constantFrom(1, 2), ids),
    call: toolCalls,
    token: fc.constantFrom<unknown>(undefined, 1, 1, 'p', 'p', 1.5, null),
  })
  .map(({ id, call: [name, args], token }) => {
    const params = { name, arguments: args, ...(token !== undefined && { _meta: { progressToken: token } }) };
    return json({ jsonrpc: '2.0', id, method: 'tools/call', params });
  });

const noticeBodies = fc.oneof(
  fc.constant(json({ jsonrpc: '2.0', method: 'notifications/initialized' })),
  ids.map((requestId) => json({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } })),
  fc
    .tuple(ids, fc.constantFrom('hub-ping-1', 'hub-ping-2', 'hub-ping-'))
    .map(([result, id]) => json({ jsonrpc: '2.0', id, result: { result } })),
);

const oddBodies = fc.oneof(
  messageValues.map(json),
  fc.array(messageValues, { maxLength: 4 }).map(json),
  fc
    .array(fc.oneof(callBodies, noticeBodies), { maxLength: 4 })
    .map((bodies) => Buffer.from(`[${bodies.map(String).join(',')}]`)),
  fc
    .tuple(
      fc.constantFrom('[', '{"jsonrpc":"2.0","id":1,"method":"ping","params":', '{"a":'),
      fc.constantFrom(1, 9, 9_000),
    )
    .map(([opening, depth]) => Buffer.from(opening.repeat(depth))),
  fc.constantFrom(200, 2_000, 15_000).map((depth) => {
    const deep = `${'['.repeat(depth)}${']'.repeat(depth)}`;
    return Buffer.from(
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"message":"m","deep":${deep}},"_meta":{"deep":${deep}}}}`,
    );
  }),
  fc
    .constantFrom(
      ...[
        '',
        ' ',
        'null',
        '0',
        '1e999',
        '"x"',
        '{}',
        '[]',
        '[[]]',
        'undefined',
        '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}',
      ],
      ...[
        '\ufeff{}',
        '{"jsonrpc":"2.0","id":-0,"method":"ping"}',
        '{"jsonrpc":"2.0","id":1e400,"method":"ping"}',
      ],
      '{"__proto__":{"jsonrpc":"2.0"},"jsonrpc":"2.0","id":1,"method":"ping"}',
    )
    .map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
  fc.constant(Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"${'y'.repeat(70_000)}"}}`)),
);

const soundBodies = fc.oneof(
  { weight: 2, arbitrary: initializeBodies },
  { weight: 5, arbitrary: callBodies },
  { weight: 3, arbitrary: noticeBodies },
);

const bodies = fc.oneof(
  { weight: 6, arbitrary: soundBodies },
  { weight: 3, arbitrary: oddBodies },
  { weight: 2, arbitrary: fc.tuple(soundBodies, mutations).map(([body, damage]) => mutate(body, damage)) },
);

const sessions: fc.Arbitrary<SessionRef> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ nth: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.constant({ text: undefined }) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(
        '',
        'x',
        '__proto__',
        'constructor',
        '00000000-0000-4000-8000-000000000000',
        'y'.repeat(8_000),
        'é\u00ff',
        'a, b',
      )
      .map((text) => ({ text })),
  },
);

const HOSTILE: readonly (readonly [name: string, values: readonly string[]])[] = [
  [
    'Host',
    [
      'evil.example',
      'localhost:99999',
      'localhost.',
      '127.0.0.1',
      '[::1]',
      '',
      'localhost@evil',
      'LOCALHOST',
    ],
  ],
  ['Origin', ['null', 'http://evil.example', 'http://localhost:1', 'x', '', 'http://[', 'file://']],
  [
    'Accept',
    [
      '*/*',
      'text/html',
      'application/json',
      '',
      'text/event-stream;q=0',
      ',,,',
      'TEXT/EVENT-STREAM, application/*',
    ],
  ],
  [
    'Content-Type',
    [
      'text/plain',
      'application/json; charset=utf-16',
      '',
      'APPLICATION/JSON ;x',
      'multipart/form-data; boundary=x',
    ],
  ],
  [
    'MCP-Protocol-Version',
    ['2025-11-25', '2025-03-26', '1.0', '', '2026-07-28', '__proto__', '2025-11-25, 2025-11-25'],
  ],
  [
    'Last-Event-ID',
    ['x', '', '000000000000-0-0', 'ffffffffffff-1-999999999999999', '-', `${'9'.repeat(400)}`],
  ],
  ['Connection', ['close', 'keep-alive', 'upgrade', 'x']],
  ['Upgrade', ['websocket', 'h2c']],
  ['Expect', ['100-continue', 'x']],
  ['Authorization', ['Bearer x', 'Basic', '']],
  ['X-Forwarded-For', ['1.2.3.4', 'x']],
  ['Cookie', ['a=b']],
  ['X-Odd', ['\u0080\u00ff', 'z'.repeat(20_000), '\u0001', 'a\tb']],
  ['Mcp-Session-Id', ['twice']],
];

const hostileHeaders = fc.array(
  fc
    .constantFrom(...HOSTILE)
    .chain(([name, values]) => fc.constantFrom(...values).map((value) => [name, value] as const)),
  { maxLength: 2 },
);

const PATHS = [
  ...[
    '/mcp?x=y',
    '/mcp/',
    '/MCP',
    '//mcp',
    '/mcp%2f',
    '/%zz',
    '/mcp?%zz=%',
    '/',
    '/health',
    '/sessions',
    '/metrics',
  ],
  ...[
    '/sessions?limit=0&after=-1',
    '/sessions?limit[]=1',
    '/sessions?after=%00',
    '/health?x',
    'http://localhost/mcp',
    '*',
    '/mcp#x',
  ],
];

/** Numbers of streams and events as sessions of these stories have them. */
const lastEvents = fc
  .tuple(fc.nat(3), fc.nat(6))
  .map(([stream, seq]) => [['Last-Event-ID', `$FINGERPRINT-${stream}-${seq}`] as const]);

/** What a client sends that means well: stories in which all is refused prove little. */
const wellMeant: fc.Arbitrary<FuzzRequest> = fc.oneof(
  { weight: 2, arbitrary: fc.constant(onNoSession(initialize(ORDINARY_PARAMS))) },
  { weight: 1, arbitrary: initializeBodies.map(onNoSession) },
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.nat(3), fc.oneof(callBodies, callBodies, noticeBodies))
      .map(([nth, body]) => onSession('POST', nth, [], body)),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.nat(3), fc.oneof(fc.constant([]), lastEvents))
      .map(([nth, more]) => onSession('GET', nth, more)),
  },
  { weight: 1, arbitrary: fc.nat(3).map((nth) => onSession('DELETE', nth, [])) },
);

function onNoSession(body: Buffer): FuzzRequest {
  return { ...onSession('POST', 0, [], body), session: { text: undefined } };
}

function onSession(method: string, nth: number, more: FuzzRequest['headers'], body?: Buffer): FuzzRequest {
  const headers = [...ordinary(method, []), ...more];
  return { method, path: '/mcp', session: { nth }, headers, body, isChunked: false };
}

const wild: fc.Arbitrary<FuzzRequest> = fc
  .record({
    method: fc.oneof(
      { weight: 10, arbitrary: fc.constant('POST') },
      { weight: 3, arbitrary: fc.constant('GET') },
      { weight: 2, arbitrary: fc.constant('DELETE') },
      {
        weight: 1,
        arbitrary: fc.constantFrom('HEAD', 'OPTIONS', 'PUT', 'PATCH', 'TRACE', 'PROPFIND', 'QUERY'),
      },
    ),
    path: fc.oneof(
      { weight: 12, arbitrary: fc.constant('/mcp') },
      { weight: 1, arbitrary: fc.constantFrom(...PATHS) },
    ),
    session: sessions,
    hostile: fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: hostileHeaders }),
    isPlain: fc.nat(19).map((number) => number > 0),
    body: bodies,
    isChunked: fc.nat(4).map((number) => number === 0),
  })
  .map(({ hostile, isPlain, body, ...request }) => ({
    ...request,
    headers: [...(isPlain ? ordinary(request.method, hostile) : []), ...hostile],
    body: request.method === 'GET' || request.method === 'HEAD' ? undefined : body,
  }));

const requests = fc.oneof({ weight: 3, arbitrary: wellMeant }, { weight: 2, arbitrary: wild });

export const visits: fc.Arbitrary<Visit> = fc.record({
  afterMs: fc.constantFrom(0, 0, 0, 1, 400, 3_000, 25_000),
  requests: fc.oneof(
    { weight: 5, arbitrary: fc.array(requests, { minLength: 1, maxLength: 1 }) },
    { weight: 1, arbitrary: fc.array(requests, { minLength: 2, maxLength: 3 }) },
  ),
  damage: fc.oneof({ weight: 8, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: mutations }),
  cuts: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: cuts }),
  pauseMs: fc.constantFrom(0, 0, 5, 2_000),
  sentShare: fc.oneof({ weight: 6, arbitrary: fc.constant(100) }, { weight: 1, arbitrary: fc.nat(99) }),
  leaves: fc.constantFrom<Visit['leaves'][]>('stay', 'stay', 'stay', 'stay', 'end', 'reset', 'freeze'),
  leavesAfterMs: fc.constantFrom(0, 0, 1, 600, 12_000),
});

/** What a client sends that means well, where nothing hostile takes its place. */
function ordinary(method: string, hostile: FuzzRequest['headers']): FuzzRequest['headers'] {
  const taken = new Set(hostile.map(([name]) => name));
  const accept = method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream';
  const all = [
    ['Host', 'localhost'],
    ['Accept', accept],
    ['Content-Type', 'application/json'],
  ] as const;
  return all.filter(([name]) => !taken.has(name));
}

function asJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? Number(inner) : inner));
}
