import type { Server } from 'node:http';
import { type HubOptions, loadConfig } from '../../hub/config.ts';
import { createHub } from '../../hub/hub.ts';
import type { VirtualTime } from '../clock/virtual.ts';
import type { Dial, Target, TargetExit } from './target.ts';
import { VirtualServer } from './virtual-server.ts';

/** A server that lives in this process: any http.Server, and what it does on SIGTERM or SIGINT. */
export interface LocalServer {
  readonly server: Server;
  shutdown(): Promise<void>;
  /** Settles with the code when it ends its process itself, if it may do that. */
  readonly exited?: Promise<number>;
}

/** Starts the server. Called when virtual time is installed, so that all its timers are in it. */
export type Launch = () => LocalServer | Promise<LocalServer>;

/** How often a target that was signalled is looked at for whether it has ended. */
const EXIT_CHECK_MS = 10;

/**
 * The reference hub, silent: in virtual time its log would tell of no real moment. All load comes from one
 * address, so its limits on rates are off unless they are what is tested.
 */
export function hubLaunch(options: HubOptions): Launch {
  return () => createHub(loadConfig({ rateLimit: 'off', ...options, logLevel: 'silent' }));
}

/**
 * A server in this process under virtual time, one life after another. It counts as ended when nothing is left
 * that would keep a process alive: it accepts no connection, none is open, and no timer is held.
 */
export async function inProcessTarget(
  name: string,
  launch: Launch,
  time: VirtualTime,
  { path = '/mcp' }: { path?: string } = {},
): Promise<Target> {
  let life = new Life(await launch(), time);
  return {
    name,
    endpoint: new URL(path, 'http://localhost'),
    dial: (signal) => life.dial(signal),
    get exited() {
      return life.exited;
    },
    signal: () => life.shutDown(),
    kill: () => life.kill(),
    start: async () => {
      // What the life before did in its last moment may have set timers still.
      time.dropTimers();
      life = new Life(await launch(), time);
    },
    stop: async () => life.abandon(),
  };
}

/** From one start of the server to its end. */
class Life {
  readonly exited: Promise<TargetExit>;
  readonly #local: LocalServer;
  readonly #time: VirtualTime;
  readonly #virtual: VirtualServer;
  readonly #end: (exit: TargetExit) => void;
  #shutdown: Promise<void> | undefined;
  #isOver = false;
  #failed = false;

  constructor(local: LocalServer, time: VirtualTime) {
    this.#local = local;
    this.#time = time;
    this.#virtual = new VirtualServer(local.server, time.noteActivity);
    const { promise, resolve } = Promise.withResolvers<TargetExit>();
    this.exited = promise;
    this.#end = resolve;
    void local.exited?.then((code) => this.#cutOff({ code, signal: null }));
  }

  get dial(): Dial {
    return this.#virtual.dial;
  }

  shutDown(): void {
    if (this.#shutdown || this.#isOver) return;
    this.#shutdown = this.#local.shutdown().catch(() => {
      this.#failed = true;
    });
    // Not at once: whether the shutdown failed shows a moment later.
    this.#time.clock.at(this.#time.clock.now(), () => this.#checkExit());
  }

  kill(): void {
    this.#cutOff({ code: null, signal: 'SIGKILL' });
  }

  /** The run is over: it is ended whatever state it is in, and not waited for. */
  abandon(): void {
    const isNew = !this.#isOver;
    this.#isOver = true;
    this.#virtual.destroy();
    // What hangs is left behind: its timers end with virtual time.
    if (isNew) this.#shutdown ??= this.#local.shutdown().catch(() => undefined);
  }

  #cutOff(exit: TargetExit): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#virtual.reset();
    this.#time.dropTimers();
    this.#end(exit);
  }

  #checkExit(): void {
    if (this.#isOver) return;
    const { clock } = this.#time;
    const isHeld = this.#virtual.isAccepting || this.#virtual.openConnections > 0;
    if (isHeld || this.#time.heldTimers() > 0) {
      clock.at(clock.now() + EXIT_CHECK_MS, () => this.#checkExit());
      return;
    }
    this.#isOver = true;
    this.#time.dropTimers();
    this.#end({ code: this.#failed ? 1 : 0, signal: null });
  }
}
