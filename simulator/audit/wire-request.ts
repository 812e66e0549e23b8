/** One HTTP request as the audit sends it. What is left out is filled in as an honest client would. */
export interface WireRequest {
  readonly method: string;
  /** Path and query; that of the endpoint when left out. */
  readonly path?: string;
  /** `undefined` takes a header away that would be filled in. Names as they go onto the wire. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string;
}

/** What an honest client sends with every request; `undefined`: not sent. */
export type Headers = Readonly<Record<string, string | undefined>>;

/** The whole request as text: head, empty line, body. */
export function writeRequest(request: WireRequest, endpoint: URL, common: Headers): string {
  const { method, body } = request;
  const lines = Object.entries(headersOf(request, endpoint, common)).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return `${method} ${pathOf(request, endpoint)} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`;
}

/** The headers as they are sent, those of the request last: names are compared without regard to case. */
export function headersOf(request: WireRequest, endpoint: URL, common: Headers): Record<string, string> {
  const filled: Headers = {
    Host: endpoint.host,
    'User-Agent': 'mcp-soak',
    ...defaultsFor(request),
    ...common,
    ...(request.body !== undefined && { 'Content-Length': String(Buffer.byteLength(request.body)) }),
  };
  const sent = new Map<string, [name: string, value: string | undefined]>();
  for (const [name, value] of [...Object.entries(filled), ...Object.entries(request.headers ?? {})]) {
    sent.set(name.toLowerCase(), [name, value]);
  }
  return Object.fromEntries(
    [...sent.values()].flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function pathOf({ path }: WireRequest, endpoint: URL): string {
  return path ?? `${endpoint.pathname}${endpoint.search}`;
}

function defaultsFor({ method, body }: WireRequest): Headers {
  if (method === 'GET') return { Accept: 'text/event-stream' };
  if (body === undefined) return {};
  return { Accept: 'application/json, text/event-stream', 'Content-Type': 'application/json' };
}
