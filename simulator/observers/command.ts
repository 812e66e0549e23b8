import { exec } from 'node:child_process';
import type { Clock } from '../clock/clock.ts';
import { asCount, CountError, type CountSource } from './count.ts';

/** More output than this is no number. */
const MAX_OUTPUT_BYTES = 64 * 1024;

/** A command line for the shell that prints a number, and nothing else on its standard output. */
export function commandSource(
  command: string,
  { clock, timeoutMs }: { clock: Clock; timeoutMs: number },
): CountSource {
  return {
    async read() {
      const sentAt = clock.now();
      const printed = (await output(command, timeoutMs)).trim();
      if (!/^\d+$/.test(printed)) {
        throw new CountError(`cmd:${command}: expected it to print a number, got '${printed.slice(0, 60)}'`);
      }
      const count = asCount(Number(printed), `cmd:${command}`);
      return { sentAt, receivedAt: clock.now(), stalenessMs: 0, count };
    },
    close: () => undefined,
  };
}

function output(command: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: MAX_OUTPUT_BYTES } as const;
    exec(command, options, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      const why = error.killed
        ? `did not end within ${timeoutMs / 1_000} s`
        : `failed: ${stderr.trim() || error.message}`;
      reject(new CountError(`cmd:${command}: ${why}`, { cause: error }));
    });
  });
}
