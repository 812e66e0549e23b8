import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { onTestFinished } from 'vitest';
import type { Console } from '../../../simulator/commands/run.ts';
import { EXIT } from '../../../simulator/exit-code.ts';
import type { RunResult } from '../../../simulator/result.ts';
import { RequestError } from '../../../simulator/run-request.ts';

class Screen extends Writable {
  text = '';

  constructor() {
    super({ decodeStrings: false });
  }

  override _write(chunk: string, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk;
    done();
  }
}

/** Carries out a command in this process, which is much quicker; ends as the command line would. */
export async function command(
  act: (console: Console) => number | Promise<number>,
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number; out: string; err: string }> {
  const [out, err] = [new Screen(), new Screen()];
  try {
    const code = await act({ out, err, env, stop: new AbortController().signal });
    return { code, out: out.text, err: err.text };
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return { code: EXIT.badInput, out: out.text, err: `mcp-soak: ${error.message}\n` };
  }
}

/** A folder for one test. */
export function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'mcp-soak-commands-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  return dir;
}

/** A document in a file of its own. */
export function fileWith(document: RunResult | object | string, name = 'result.json'): string {
  const path = join(folder(), name);
  writeFileSync(path, typeof document === 'string' ? document : JSON.stringify(document));
  return path;
}
