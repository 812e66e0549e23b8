import type { Server } from 'node:http';
import { type HubOptions, loadConfig } from '../../hub/config.ts';
import { createHub } from '../../hub/hub.ts';
import type { VirtualTime } from '../clock/virtual.ts';
import type { Target, TargetExit } from './target.ts';
import { VirtualServer } from './virtual-server.ts';

/** A server that lives in this process: any http.Server, and what it does on SIGTERM or SIGINT. */
export interface LocalServer {
  readonly server: Server;
  shutdown(): Promise<void>;
}

/** Starts the server. Called when virtual time is installed, so that all its timers are in it. */
export type Launch = () => LocalServer | Promise<LocalServer>;

/** How often a target that was signalled is looked at for whether it has ended. */
const EXIT_CHECK_MS = 10;

/** The reference hub, silent: in virtual time its log would tell of no real moment. */
export function hubLaunch(options: HubOptions): Launch {
  return () => createHub(loadConfig({ ...options, logLevel: 'silent' }));
}

/**
 * A server in this process under virtual time. It counts as ended when nothing is left that would keep a
 * process alive: it accepts no connection, none is open, and no timer is held.
 */
export async function inProcessTarget(name: string, launch: Launch, time: VirtualTime): Promise<Target> {
  const local = await launch();
  const virtual = new VirtualServer(local.server, time.noteActivity);
  let isStopped = false;
  let shutdown: Promise<void> | undefined;
  let failed = false;
  const exited = Promise.withResolvers<TargetExit>();

  function checkExit(): void {
    if (isStopped) return;
    const isOver = !virtual.isAccepting && virtual.openConnections === 0 && time.heldTimers() === 0;
    if (isOver) exited.resolve({ code: failed ? 1 : 0, signal: null });
    else time.clock.at(time.clock.now() + EXIT_CHECK_MS, checkExit);
  }

  return {
    name,
    endpoint: new URL('http://localhost/mcp'),
    dial: virtual.dial,
    exited: exited.promise,
    signal: () => {
      if (shutdown) return;
      shutdown = local.shutdown().catch(() => {
        failed = true;
      });
      // Not at once: whether the shutdown failed shows a moment later.
      time.clock.at(time.clock.now(), checkExit);
    },
    stop: async () => {
      isStopped = true;
      virtual.destroy();
      // What hangs is left behind: its timers end with virtual time.
      shutdown ??= local.shutdown().catch(() => undefined);
    },
  };
}
