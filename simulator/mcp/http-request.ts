import { type Headers, hasHeader, RESERVED_HEADERS } from './headers.ts';
import { quote } from './wire-error.ts';

/** Writes the requests of one client as text. What stays the same between requests is built once. */
export class RequestWriter {
  readonly #target: string;
  readonly #common: string;
  #session = '';
  #postHead = '';

  /** Throws when a header cannot be sent or is one that the client sets itself. */
  constructor(endpoint: URL, headers: Headers = {}) {
    this.#target = `${endpoint.pathname}${endpoint.search}`;
    const agent = hasHeader(headers, 'user-agent') ? '' : 'User-Agent: mcp-soak\r\n';
    this.#common = `Host: ${endpoint.host}\r\n${agent}${Object.entries(headers).map(headerLine).join('')}`;
    this.useSession(undefined, undefined);
  }

  /** From now on every request names this session and protocol version. */
  useSession(sessionId: string | undefined, protocolVersion: string | undefined): void {
    const session = sessionId === undefined ? '' : `Mcp-Session-Id: ${sessionId}\r\n`;
    const version = protocolVersion === undefined ? '' : `MCP-Protocol-Version: ${protocolVersion}\r\n`;
    this.#session = `${session}${version}`;
    this.#postHead =
      `POST ${this.#target} HTTP/1.1\r\n${this.#common}Accept: application/json, text/event-stream\r\n` +
      `Content-Type: application/json\r\n${this.#session}Content-Length: `;
  }

  post(body: string): string {
    return `${this.#postHead}${Buffer.byteLength(body)}\r\n\r\n${body}`;
  }

  get(lastEventId?: string): string {
    const resume = lastEventId ? `Last-Event-ID: ${lastEventId}\r\n` : '';
    return `GET ${this.#target} HTTP/1.1\r\n${this.#common}Accept: text/event-stream\r\n${this.#session}${resume}\r\n`;
  }

  delete(): string {
    return `DELETE ${this.#target} HTTP/1.1\r\n${this.#common}${this.#session}\r\n`;
  }
}

function headerLine([name, value]: [string, string]): string {
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name) || RESERVED_HEADERS.includes(name.toLowerCase())) {
    const reserved = RESERVED_HEADERS.join(', ');
    throw new TypeError(`header name: got ${quote(name)}, allowed: a token, but none of ${reserved}`);
  }
  if (!/^[\t\u0020-\u007e]*$/.test(value)) {
    // It may be a token: it is not repeated.
    throw new TypeError(`header ${name}: got other characters in its value, allowed: printable ASCII`);
  }
  return `${name}: ${value}\r\n`;
}
