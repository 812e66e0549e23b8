import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { TargetExit } from './target.ts';

export interface ChildOptions {
  /** What to call it in errors. */
  readonly name: string;
  readonly command: string;
  /** Absent: `command` is a line for the shell. */
  readonly args?: readonly string[];
  /** Added to our own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where its output is kept. */
  readonly logFile?: string;
  /** Takes out of its output what must not be shown. */
  readonly hide?: ((text: string) => string) | undefined;
  /** It ran before: what it says is added to the log. */
  readonly isAgain?: boolean;
}

/** Between asking a process to end and making it. */
const STOP_GRACE_MS = 3_000;
/** What a process said last can arrive after the news of its end; a child of its own can hold the pipe for ever. */
const LAST_WORDS_MS = 500;
/** Last lines of output kept for the error when a target does not start. */
const KEPT_LINES = 20;

/** One life of a target that is a process, with all the processes that it starts itself. */
export class Child {
  /** Undefined when it could not be started. */
  readonly pid: number | undefined;
  readonly exited: Promise<TargetExit>;
  /** Rejects when it cannot be started, or ended; with its last lines of output. */
  readonly failed: Promise<never>;
  readonly #process: ChildProcess;
  /** It has ended and its output has been read. */
  readonly #over: Promise<TargetExit>;
  readonly #called: string;
  readonly #hide: (text: string) => string;
  readonly #lastLines: string[] = [];
  readonly #hearers = new Set<(line: string) => void>();

  constructor({ name, command, args, env, logFile, hide, isAgain = false }: ChildOptions) {
    // A process group of its own: Ctrl-C in a terminal is meant for us, and we tell the target when it is time.
    this.#process = spawn(command, [...(args ?? [])], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      shell: args === undefined,
      env: { ...process.env, ...env },
    });
    this.pid = this.#process.pid;
    this.#hide = hide ?? ((text) => text);
    this.#called = this.#hide(`${name} %s: ${[command, ...(args ?? [])].join(' ')}`);
    this.exited = exitOf(this.#process);
    this.#over = this.#lastWords();
    this.#killWithUs();
    this.#keepOutput(logFile, isAgain);
    this.failed = this.#failure();
    // Whoever waits for it to start hears of it; nobody else has to.
    this.failed.catch(() => undefined);
  }

  /** Calls back for each line of output from now on; returns the way to stop that. */
  onLine(hear: (line: string) => void): () => void {
    this.#hearers.add(hear);
    return () => void this.#hearers.delete(hear);
  }

  /** The last lines of its output, once it has ended. */
  async lastLines(): Promise<readonly string[]> {
    await this.#over;
    return [...this.#lastLines];
  }

  /** An error that names the command, and its last lines of output. */
  error(why: string): Error {
    return new Error([this.#called.replace('%s', () => why), ...this.#lastLines].join('\n  '));
  }

  /** Signals the process alone. */
  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** Signals the process and all that it started. */
  signalGroup(name: NodeJS.Signals): void {
    if (this.pid === undefined) return;
    try {
      process.kill(-this.pid, name);
    } catch (error) {
      const isGone = error instanceof Error && 'code' in error && error.code === 'ESRCH';
      if (!isGone) throw error;
    }
  }

  /** Asks the process to end, and makes it when it does not. `ask`: how, where that is not SIGTERM to it alone. */
  async stop(ask: () => void = () => this.signal('SIGTERM')): Promise<void> {
    const isOver = this.#process.exitCode !== null || this.#process.signalCode !== null;
    if (isOver || this.pid === undefined) return;
    ask();
    // One that is frozen would not hear it.
    this.signalGroup('SIGCONT');
    const timer = setTimeout(() => this.signalGroup('SIGKILL'), STOP_GRACE_MS);
    await this.exited;
    clearTimeout(timer);
  }

  /** However this process ends, the target does not stay behind; however the target ends, nothing that it started does. */
  #killWithUs(): void {
    const kill = () => this.signalGroup('SIGKILL');
    process.once('exit', kill);
    void this.exited.then(() => {
      process.off('exit', kill);
      kill();
    });
  }

  #keepOutput(logFile: string | undefined, isAgain: boolean): void {
    const log =
      logFile === undefined ? undefined : createWriteStream(logFile, { flags: isAgain ? 'a' : 'w' });
    for (const output of [this.#process.stdout, this.#process.stderr]) {
      if (!output) continue;
      createInterface({ input: output }).on('line', (said) => {
        const line = this.#hide(said);
        if (log?.writable) log.write(`${line}\n`);
        if (this.#lastLines.push(line) > KEPT_LINES) this.#lastLines.shift();
        for (const hear of this.#hearers) hear(said);
      });
    }
    void this.#over.then(() => log?.end());
  }

  async #failure(): Promise<never> {
    const { promise: unstartable, reject } = Promise.withResolvers<never>();
    this.#process.once('error', (error) => reject(this.error(`cannot be started (${error.message})`)));
    const { code, signal } = await Promise.race([unstartable, this.#over]);
    throw this.error(`ended before it listened (${signal ?? `code ${code}`})`);
  }

  /** Resolves when the process has ended and its output has been read. */
  async #lastWords(): Promise<TargetExit> {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    this.#process.once('close', () => resolve());
    const exit = await this.exited;
    const timer = setTimeout(resolve, LAST_WORDS_MS);
    await closed;
    clearTimeout(timer);
    return exit;
  }
}

function exitOf(child: ChildProcess): Promise<TargetExit> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: null, signal: null }));
  });
}
