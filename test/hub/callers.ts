import { initializeRequest, type RawAnswer, type RawClient, type RawRequest } from './raw-client.ts';

/** Tokens of two callers, as the hub takes them in its settings. */
export const TOKEN_A = 'aaaaaaaaaaaaaaaaaaaaaaaa';
export const TOKEN_B = 'bbbbbbbbbbbbbbbbbbbbbbbb';
export const TOKENS = `alice=${TOKEN_A},bob=${TOKEN_B}`;

/** What somebody with a token sends; undefined sends none. */
export interface CallerClient {
  send(request: RawRequest): Promise<RawAnswer>;
  initialize(name?: string): Promise<RawAnswer>;
  /** Initializes, completes the handshake, and gives the session's id. */
  open(): Promise<string>;
  readonly headers: Readonly<Record<string, string>>;
}

export function callerWith(raw: RawClient, token?: string): CallerClient {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const send = (request: RawRequest) => raw.send({ ...request, headers: { ...headers, ...request.headers } });
  const initialize = (name = 'caller') => send({ body: initializeRequest({ name }) });
  async function open(): Promise<string> {
    const answer = await initialize();
    const session = answer.headers['mcp-session-id'];
    if (typeof session !== 'string') throw new Error(`no session: ${answer.status} ${answer.text}`);
    await send({ session, body: { jsonrpc: '2.0', method: 'notifications/initialized' } });
    return session;
  }
  return { send, initialize, open, headers };
}

export const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
export const UNKNOWN_ID = '4c1ec0ff-0000-4000-8000-000000000000';
