import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseCountSource, SOURCE_HELP } from '../observers/count-source.ts';
import { type ObserverRequest, RequestError, type TargetRequest } from '../run-request.ts';
import type { Mode } from '../scenario/schema-parts.ts';
import { isLoopback } from '../targets/url.ts';

/** Options of `mcp-soak run` that say what is loaded, and what of it is looked at. */
export interface TargetOptions {
  readonly target?: string;
  readonly command?: string;
  readonly url?: string;
  readonly module?: string;
  readonly allowRemote?: boolean;
  readonly heap?: boolean;
  readonly inspectPid?: string;
  readonly sessionsFrom?: string;
}

const TARGET_PROTOCOLS = ['http:', 'https:'];
const DEFAULT_PATH = '/mcp';

/** What is to be loaded; undefined for the reference hub. @throws RequestError */
export function parseTarget(options: TargetOptions): TargetRequest | undefined {
  const { target, command, url, module, allowRemote } = options;
  const given = Object.entries({ target, command, module }).filter(([, value]) => value !== undefined);
  if (given.length > 1) {
    const names = given.map(([name]) => `--${name}`).join(' and ');
    throw new RequestError(`${names} exclude each other: there is one target.`);
  }
  if (target !== undefined) {
    if (url !== undefined)
      throw new RequestError('--url goes with --command or --module; --target is a URL itself.');
    return runningTarget(target, allowRemote === true);
  }
  if (command !== undefined) return { command: nonEmpty(command), url: commandUrl(url) };
  if (module !== undefined) return { module: moduleFile(module), path: modulePath(url) };
  if (url !== undefined)
    throw new RequestError('--url goes with --command or --module: it says where they are reached.');
  return undefined;
}

/** The modes in which this target can be loaded. @throws RequestError for one in which it cannot */
export function parseModes(text: string | undefined, target: TargetRequest | undefined): Mode[] {
  const keepsRealTime = target instanceof URL || (target !== undefined && 'command' in target);
  const mode = text ?? (keepsRealTime ? 'real' : 'virtual');
  if (mode !== 'virtual' && mode !== 'real' && mode !== 'both') {
    throw new RequestError(`--mode: got '${mode}', allowed: virtual, real, both.`);
  }
  if (keepsRealTime && mode !== 'real') {
    throw new RequestError(
      target instanceof URL
        ? `--mode ${mode} cannot be had with --target: a server that runs keeps real time. Leave it out.`
        : `--mode ${mode} cannot be had with --command: a process of its own keeps real time. Leave it out, or use --module.`,
    );
  }
  return mode === 'both' ? ['virtual', 'real'] : [mode];
}

/** What is looked at besides what every run looks at. @throws RequestError */
export function parseObservers(
  { heap, inspectPid, sessionsFrom }: TargetOptions,
  target: TargetRequest | undefined,
  modes: readonly Mode[],
): ObserverRequest | undefined {
  if (heap !== true && inspectPid === undefined && sessionsFrom === undefined) return undefined;
  if (heap === true && inspectPid !== undefined) {
    throw new RequestError(
      '--heap and --inspect-pid exclude each other: one looks at the target, one at any process.',
    );
  }
  if (heap === true && target instanceof URL) {
    throw new RequestError('--heap: the process behind --target is not known. Use --inspect-pid <pid>.');
  }
  if ((heap === true || inspectPid !== undefined) && modes.includes('virtual')) {
    throw new RequestError(
      'In virtual mode the target shares the heap of the simulator: --heap needs --mode real.',
    );
  }
  const source = sessionsFrom === undefined ? undefined : parseCountSource(sessionsFrom);
  if (sessionsFrom !== undefined && source === undefined) {
    throw new RequestError(`--sessions-from: got '${sessionsFrom}', allowed: ${SOURCE_HELP}.`);
  }
  return {
    ...(heap === true && { heap: 'target' }),
    ...(inspectPid !== undefined && { heap: parsePid(inspectPid) }),
    ...(source && { sessionsFrom: source }),
  };
}

/** The target as the first line of a run names it. */
export function nameOf(target: TargetRequest | undefined): string {
  if (!target) return 'the reference hub';
  if (target instanceof URL) return target.href;
  if ('command' in target) return target.command;
  return 'launch' in target ? target.name : target.module;
}

function runningTarget(text: string, isRemoteAllowed: boolean): URL {
  if (!isHttpUrl(text)) {
    throw new RequestError(
      `--target: got '${text}', allowed: the URL of an MCP endpoint such as http://127.0.0.1:8000/mcp.`,
    );
  }
  const url = new URL(text);
  if (isLoopback(url) || isRemoteAllowed) return url;
  throw new RequestError(
    `--target: ${url.host} is not this machine. mcp-soak opens thousands of sessions there; add --allow-remote if you may do that.`,
  );
}

function commandUrl(text: string | undefined): URL {
  if (text === undefined) {
    throw new RequestError(
      '--command needs --url: where the server will listen, such as http://127.0.0.1:3000/mcp.',
    );
  }
  if (!isHttpUrl(text) || !isLoopback(new URL(text))) {
    throw new RequestError(
      `--url: got '${text}', allowed: a URL on this machine such as http://127.0.0.1:3000/mcp, where --command listens.`,
    );
  }
  return new URL(text);
}

function moduleFile(text: string): string {
  const file = resolve(nonEmpty(text));
  if (existsSync(file)) return file;
  throw new RequestError(`--module: there is no file ${file}.`);
}

/** `/mcp`, also as a whole URL: only its path means anything in this process, or on a free port. */
function modulePath(text: string = DEFAULT_PATH): string {
  if (URL.canParse(text, 'http://localhost')) return new URL(text, 'http://localhost').pathname;
  throw new RequestError(
    `--url: got '${text}', allowed with --module: the path of its MCP endpoint, such as /mcp.`,
  );
}

function nonEmpty(text: string): string {
  if (text.trim() !== '') return text;
  throw new RequestError('--command and --module are not empty.');
}

function parsePid(text: string): number {
  const pid = Number(text);
  if (/^\d+$/.test(text) && pid > 1) return pid;
  throw new RequestError(`--inspect-pid: got '${text}', allowed: the id of a process on this machine.`);
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && TARGET_PROTOCOLS.includes(new URL(text).protocol);
}
