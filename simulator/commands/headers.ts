import { type Headers, mergedHeaders } from '../mcp/headers.ts';
import { checkHeaders } from '../run-headers.ts';
import { RequestError } from '../run-request.ts';

const HEADER = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[\t ]*([\t\u0020-\u007e]*)$/;

/** `Name: value` lines of the command line as headers. @throws RequestError for what is none */
export function parseHeaders(option: string, lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => {
      const [, name, value] = HEADER.exec(line) ?? [];
      if (name === undefined || value === undefined) {
        // What was given may be a token: it is not repeated.
        throw new RequestError(`${option}: got what is no header, allowed: 'Authorization: Bearer …'.`);
      }
      return [name, value];
    }),
  );
}

/** Those of `--header` as our clients can send them. @throws RequestError for what they cannot, or set themselves */
export function parseClientHeaders(lines: readonly string[]): Headers {
  const headers = mergedHeaders(...lines.map((line) => parseHeaders('--header', [line])));
  checkHeaders(headers);
  return headers;
}

/** How a command that is to be given again names a header: it may be a token, so its value is not shown. */
export function hiddenHeader(line: string): string {
  return `${line.split(':')[0]}: …`;
}
