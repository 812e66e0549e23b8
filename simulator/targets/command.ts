import { get } from 'node:http';
import { get as getTls } from 'node:https';
import { join } from 'node:path';
import { Child } from './child.ts';
import { listenerOn } from './listeners.ts';
import { processTarget } from './process-target.ts';
import { type Target, TargetError } from './target.ts';

export interface CommandOptions {
  /** A line for the shell. */
  readonly command: string;
  /** Where it will listen. */
  readonly url: URL;
  readonly env?: Readonly<Record<string, string>>;
  /** The target's output is kept there, in `target.log`. */
  readonly outDir?: string;
  /** Takes out of it what must not be shown. */
  readonly hide?: ((text: string) => string) | undefined;
  /** How long it may take to listen, ms: `npm start` may build something first. */
  readonly readyWithinMs?: number;
}

const READY_WITHIN_MS = 60_000;
const PROBE_EVERY_MS = 50;
/** One probe that is not answered must not use up the whole time. */
const PROBE_TIMEOUT_MS = 2_000;

/**
 * A server started by a command, in a process group of its own, whose address is known beforehand. It is ready
 * when that address answers HTTP, whatever it answers.
 * @throws TargetError when something else listens there, or it does not come up
 */
export async function commandTarget(options: CommandOptions): Promise<Target> {
  const { command, url, env, outDir, hide, readyWithinMs = READY_WITHIN_MS } = options;
  if (await answersHttp(url)) {
    const message = `something listens on ${url.host} already: stop it, or it would be tested instead of '${command}'`;
    throw new TargetError(message);
  }
  return processTarget({
    name: command,
    canRestart: true,
    isGroup: true,
    launch: (again) => {
      const child = new Child({
        name: 'the target',
        command,
        hide,
        ...(env && { env }),
        ...(outDir !== undefined && { logFile: join(outDir, 'target.log') }),
        isAgain: again !== undefined,
      });
      return { child, ready: readyAt(child, url, readyWithinMs) };
    },
  });
}

async function readyAt(child: Child, endpoint: URL, withinMs: number) {
  const deadline = performance.now() + withinMs;
  let ended: unknown;
  child.failed.catch((error: unknown) => {
    ended = error;
  });
  while (!(await answersHttp(endpoint))) {
    if (ended instanceof Error) throw new TargetError(ended.message, { cause: ended });
    if (performance.now() > deadline) {
      const waited = `did not answer HTTP at ${endpoint.href} within ${withinMs / 1_000} s`;
      throw new TargetError(child.error(waited).message);
    }
    await new Promise((resolve) => setTimeout(resolve, PROBE_EVERY_MS));
  }
  const port = Number(endpoint.port) || (endpoint.protocol === 'https:' ? 443 : 80);
  const pid = child.pid === undefined ? undefined : listenerOn(port, child.pid);
  return { endpoint, pid: pid ?? child.pid };
}

/** Whether a server speaks HTTP at this address: any status will do, since `/mcp` owes a bare GET none in particular. */
function answersHttp(url: URL): Promise<boolean> {
  const options = { headers: { accept: '*/*' }, timeout: PROBE_TIMEOUT_MS, agent: false };
  return new Promise((resolve) => {
    const request = url.protocol === 'https:' ? getTls(url, options) : get(url, options);
    const settle = (isAnswered: boolean) => {
      resolve(isAnswered);
      request.destroy();
    };
    request.once('response', () => settle(true));
    request.once('timeout', () => settle(false));
    request.on('error', () => settle(false));
  });
}
