import type { Child } from './child.ts';
import { socketDial } from './socket-dial.ts';
import type { Target } from './target.ts';

/** A process that has been started, and what is known of it once it can be reached. */
export interface Launched {
  readonly child: Child;
  readonly ready: Promise<{ readonly endpoint: URL; readonly pid: number | undefined }>;
}

export interface ProcessTargetOptions {
  readonly name: string;
  /** Starts the process. `again`: where it listened in its life before, and has to listen again. */
  readonly launch: (again: URL | undefined) => Launched;
  /** Whether it can be made to listen there again. */
  readonly canRestart: boolean;
  /** Whether the processes that it starts itself belong to the target. */
  readonly isGroup: boolean;
}

/**
 * A server that is a process of ours on this machine, one life after another.
 * @throws what `ready` rejects with when it does not come up
 */
export async function processTarget(options: ProcessTargetOptions): Promise<Target> {
  const { name, launch, canRestart, isGroup } = options;
  let { child, ready } = launch(undefined);
  const { endpoint, pid: firstPid } = await ready.catch((error: unknown) => abandon(child, error));
  let pid = firstPid;
  let isStopped = false;

  /** The process that listens knows what a signal means; the shell before it may not pass it on, or do so twice. */
  function signal(signalName: NodeJS.Signals): void {
    if (pid === undefined || pid === child.pid) child.signal(signalName);
    else signalPid(pid, signalName);
  }

  async function start(): Promise<void> {
    if (isStopped) return;
    ({ child, ready } = launch(endpoint));
    ({ pid } = await ready);
  }

  return {
    name,
    endpoint,
    dial: socketDial(endpoint),
    hasSockets: true,
    get pid() {
      return pid;
    },
    get group() {
      return isGroup ? child.pid : undefined;
    },
    get exited() {
      return child.exited;
    },
    lastLines: () => child.lastLines(),
    signal,
    kill: () => child.signalGroup('SIGKILL'),
    pause: () => child.signalGroup('SIGSTOP'),
    resume: () => child.signalGroup('SIGCONT'),
    ...(canRestart && { start }),
    stop: () => {
      isStopped = true;
      return child.stop(() => signal('SIGTERM'));
    },
  };
}

/** A process that did not come up is not left behind. */
async function abandon(child: Child, error: unknown): Promise<never> {
  child.signalGroup('SIGKILL');
  await child.exited;
  throw error;
}

function signalPid(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    const isGone = error instanceof Error && 'code' in error && error.code === 'ESRCH';
    if (!isGone) throw error;
  }
}
