import { isObject, type JsonObject } from '../mcp/json-rpc.ts';
import { type AuditSession, resultIn, type ToolCall } from './audit-session.ts';

/** What a server offers that probes can use. Tools that nobody named are called only if they are known to be harmless. */
export interface Offer {
  readonly server: string;
  readonly protocolVersion: string;
  /** initialize is answered with `Mcp-Session-Id`. */
  readonly opensSessions: boolean;
  /** GET opens an event stream. */
  readonly hasStream: boolean;
  readonly tools: readonly string[];
  /** Its answer contains the tag. */
  readonly echo: ((tag: string) => ToolCall) | undefined;
  /** Takes about so long. */
  readonly slow: ((ms: number) => ToolCall) | undefined;
  /** Sends progress so often and so far apart, then answers. */
  readonly chatty: ((count: number, intervalMs: number) => ToolCall) | undefined;
  /** Makes the server send so many notifications, numbered and with the tag, on the GET stream of the session. */
  readonly notice: ((count: number, tag?: string) => ToolCall) | undefined;
}

/** Tools that the user named, as templates: `$TAG`, `$MS`, `$S`, `$COUNT` stand for what is asked of them. */
export interface ToolTemplates {
  readonly echo?: ToolTemplate;
  readonly slow?: ToolTemplate;
}
export interface ToolTemplate {
  readonly name: string;
  /** JSON text. */
  readonly arguments: string;
}

interface ListedTool {
  readonly name: string;
  readonly properties: JsonObject;
}

/** Asks what there is to be used. Lists are read, no tool is called. */
export async function learnOffer(
  session: AuditSession,
  server: string,
  templates: ToolTemplates,
): Promise<Offer> {
  const listed = toolsOf(await session.request('tools/list').done());
  const find = (name: string, ...properties: string[]) =>
    listed.find(
      (tool) => tool.name === name && properties.every((key) => Object.hasOwn(tool.properties, key)),
    );
  return {
    server,
    protocolVersion: session.protocolVersion,
    opensSessions: true,
    hasStream: await opensStream(session),
    tools: listed.map(({ name }) => name),
    echo: templates.echo ? echoFrom(templates.echo) : knownEcho(find),
    slow: templates.slow ? slowFrom(templates.slow) : knownSlow(find),
    chatty: knownChatty(find),
    notice: find('emit', 'count', 'on')
      ? (count, tag = '') => ({ name: 'emit', arguments: { count, intervalMs: 0, on: 'stream', tag } })
      : undefined,
  };
}

/** What is known of a server that opens no session at all. */
export function sessionlessOffer(server: string): Offer {
  return {
    server,
    protocolVersion: '2025-11-25',
    opensSessions: false,
    hasStream: false,
    tools: [],
    echo: undefined,
    slow: undefined,
    chatty: undefined,
    notice: undefined,
  };
}

async function opensStream(session: AuditSession): Promise<boolean> {
  const stream = session.listen();
  const { status, headers } = await stream.head();
  stream.leave();
  return status === 200 && headers.get('content-type')?.includes('text/event-stream') === true;
}

type Find = (name: string, ...properties: string[]) => ListedTool | undefined;

/** Tools of the hub, of the SDK's examples and of the reference servers: they echo and nothing else. */
function knownEcho(find: Find): Offer['echo'] {
  const tool = find('echo', 'message');
  if (tool) return (tag) => ({ name: tool.name, arguments: { message: tag } });
  const greet = find('greet', 'name');
  return greet && ((tag) => ({ name: greet.name, arguments: { name: tag } }));
}

/** Names of the reference servers' long-running tool, over the years. */
const LONG_RUNNING = ['trigger-long-running-operation', 'longRunningOperation'];

function knownSlow(find: Find): Offer['slow'] {
  if (find('sleep', 'ms')) return (ms) => ({ name: 'sleep', arguments: { ms } });
  const operation = longRunning(find);
  return operation && ((ms) => ({ name: operation.name, arguments: { duration: ms / 1_000, steps: 1 } }));
}

function knownChatty(find: Find): Offer['chatty'] {
  if (find('emit', 'count'))
    return (count, intervalMs) => ({ name: 'emit', arguments: { count, intervalMs } });
  const operation = longRunning(find);
  return (
    operation &&
    ((count, intervalMs) => ({
      name: operation.name,
      arguments: { duration: (count * intervalMs) / 1_000, steps: count },
    }))
  );
}

function longRunning(find: Find): ListedTool | undefined {
  return LONG_RUNNING.map((name) => find(name, 'duration', 'steps')).find((tool) => tool !== undefined);
}

function echoFrom({ name, arguments: text }: ToolTemplate): Offer['echo'] {
  return (tag) => ({ name, arguments: filled(text, { TAG: JSON.stringify(tag).slice(1, -1) }) });
}

function slowFrom({ name, arguments: text }: ToolTemplate): Offer['slow'] {
  return (ms) => ({ name, arguments: filled(text, { MS: String(Math.round(ms)), S: String(ms / 1_000) }) });
}

/** @throws SyntaxError for a template that is no JSON, once filled in */
export function filled(text: string, values: Readonly<Record<string, string>>): JsonObject {
  const json = text.replaceAll(/\$([A-Z]+)/g, (whole, name: string) => values[name] ?? whole);
  const parsed: unknown = JSON.parse(json);
  if (isObject(parsed)) return parsed;
  throw new SyntaxError(`arguments of a tool are a JSON object, got ${text}`);
}

function toolsOf(answer: Parameters<typeof resultIn>[0]): ListedTool[] {
  const found = resultIn(answer);
  const tools = found?.message.kind === 'result' ? found.message.result.tools : undefined;
  if (!Array.isArray(tools)) return [];
  return tools.filter(isObject).map(({ name, inputSchema }) => ({
    name: String(name),
    properties: isObject(inputSchema) && isObject(inputSchema.properties) ? inputSchema.properties : {},
  }));
}
