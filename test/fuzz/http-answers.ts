import fc from 'fast-check';

/** One answer as text (latin1: a character is a byte), and what a client has to make of it. */
export interface GeneratedAnswer {
  readonly method: string;
  readonly raw: string;
  readonly status: number;
  readonly body: string;
}

const TOKEN = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,12}$/);
const VALUE = fc.stringMatching(/^[\t\u0020-\u007e\u0080-\u00ff]{0,20}$/);
const OCTETS = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1'));

/** Names with a meaning of their own are given where they mean something. */
const RESERVED =
  /^(?:connection|content-length|transfer-encoding|upgrade|trailer|keep-alive|proxy-connection)$/i;

const headers = fc.array(
  fc.tuple(
    TOKEN.filter((name) => !RESERVED.test(name) && !isInherited(name)),
    VALUE,
    fc.constantFrom('', ' ', '\t', '  '),
  ),
  { maxLength: 6 },
);

const framing = fc.oneof(
  fc.record({ kind: fc.constant('length' as const), body: OCTETS }),
  fc.record({ kind: fc.constant('until-close' as const), body: OCTETS }),
  fc.record({ kind: fc.constant('no-content' as const), status: fc.constantFrom(204, 304) }),
  fc.record({
    kind: fc.constant('chunked' as const),
    chunks: fc.array(
      fc.record({
        octets: OCTETS.filter((octets) => octets !== ''),
        extension: fc.constantFrom('', ';a', ';a=b', ';a="b c"'),
        isUpperCase: fc.boolean(),
        zeros: fc.nat(3),
      }),
      { maxLength: 4 },
    ),
    trailers: headers,
  }),
);

const interim = fc.array(fc.tuple(fc.constantFrom(100, 102, 103, 199), headers), { maxLength: 2 });

/** Answers that follow RFC 9112. */
export const validAnswers: fc.Arbitrary<GeneratedAnswer> = fc
  .record({
    method: fc.constantFrom('POST', 'GET', 'HEAD'),
    status: fc.integer({ min: 200, max: 599 }).filter((status) => status !== 204 && status !== 304),
    reason: fc.option(VALUE, { nil: undefined }),
    connection: fc.constantFrom(undefined, 'close', 'keep-alive', 'Keep-Alive', 'CLOSE', 'x, close'),
    interim,
    headers,
    framing,
  })
  .map((parts) => {
    const { method, framing } = parts;
    const status = framing.kind === 'no-content' ? framing.status : parts.status;
    const isBodiless = method === 'HEAD' || framing.kind === 'no-content';
    const reason = parts.reason === undefined ? '' : ` ${parts.reason}`;
    const connection = parts.connection === undefined ? '' : `Connection: ${parts.connection}\r\n`;
    const before = parts.interim
      .map(([code, fields]) => `HTTP/1.1 ${code} x\r\n${lines(fields)}\r\n`)
      .join('');
    const head = `HTTP/1.1 ${status}${reason}\r\n${lines(parts.headers)}${connection}`;
    const { header, wire, body } = frame(framing);
    return {
      method,
      raw: `${before}${head}${header}\r\n${isBodiless ? '' : wire}`,
      status,
      body: isBodiless ? '' : body,
    };
  });

type Framing = typeof framing extends fc.Arbitrary<infer Value> ? Value : never;

function frame(framing: Framing): { header: string; wire: string; body: string } {
  switch (framing.kind) {
    case 'length':
      return {
        header: `Content-Length: ${framing.body.length}\r\n`,
        wire: framing.body,
        body: framing.body,
      };
    case 'until-close':
      return { header: '', wire: framing.body, body: framing.body };
    case 'no-content':
      return { header: '', wire: '', body: '' };
    case 'chunked': {
      const chunks = framing.chunks.map(({ octets, extension, isUpperCase, zeros }) => {
        const size = `${'0'.repeat(zeros)}${octets.length.toString(16)}`;
        return `${isUpperCase ? size.toUpperCase() : size}${extension}\r\n${octets}\r\n`;
      });
      return {
        header: 'Transfer-Encoding: chunked\r\n',
        wire: `${chunks.join('')}0\r\n${lines(framing.trailers)}\r\n`,
        body: framing.chunks.map(({ octets }) => octets).join(''),
      };
    }
  }
}

function lines(fields: readonly (readonly [name: string, value: string, blanks: string])[]): string {
  return fields.map(([name, value, blanks]) => `${name}:${blanks}${value}${blanks}\r\n`).join('');
}

/** `__proto__` and its like: the plain objects that the test compares cannot hold them. */
function isInherited(name: string): boolean {
  return name.toLowerCase() in {};
}
