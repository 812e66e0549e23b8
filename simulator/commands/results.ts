import { readFileSync, statSync } from 'node:fs';
import * as z from 'zod';
import { type RunResult, RunResultSchema } from '../result.ts';
import { RequestError } from '../run-request.ts';

/** A result is a few dozen KiB; days of series make some MiB. Anything larger is another file. */
const MAX_RESULT_BYTES = 256 * 2 ** 20;
/** A file that fits in nothing fails in a hundred places; the first few say it. */
const MAX_ISSUES = 3;

const HeadSchema = z.looseObject({ format: z.literal('mcp-soak-result'), version: z.number() });
const KNOWN_VERSION = RunResultSchema.shape.version.value;

/**
 * Reads a `result.json`.
 * @throws RequestError when it cannot be read, is no result, or one of a newer version
 */
export function readResult(path: string): RunResult {
  const document = parseJson(readText(path), path);
  const head = HeadSchema.safeParse(document);
  if (!head.success) {
    throw new RequestError(
      `${path} is no result of mcp-soak: its "format" is not "mcp-soak-result". Results are the files result.json in the folders of runs.`,
    );
  }
  const { version } = head.data;
  if (version > KNOWN_VERSION) {
    throw new RequestError(
      `${path} is a result of version ${version}; this mcp-soak reads version ${KNOWN_VERSION}. Use the mcp-soak that wrote it, or a newer one.`,
    );
  }
  const result = RunResultSchema.safeParse(document);
  if (result.success) return result.data;
  const issues = result.error.issues
    .slice(0, MAX_ISSUES)
    .map(({ path: where, message }) => `  ${where.join('.')}: ${message}`);
  throw new RequestError(`${path} is a damaged result:\n${issues.join('\n')}`);
}

function readText(path: string): string {
  try {
    const { size } = statSync(path);
    if (size > MAX_RESULT_BYTES) {
      throw new RequestError(
        `${path} is no result of mcp-soak: it has ${size} bytes, at most ${MAX_RESULT_BYTES}.`,
      );
    }
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof RequestError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new RequestError(`${path} cannot be read: ${message}`);
  }
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new RequestError(`${path} is no result of mcp-soak: it is not JSON (${error.message}).`);
  }
}
