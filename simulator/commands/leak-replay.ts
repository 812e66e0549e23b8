import { flagOf, quoted } from '../shell-words.ts';
import { hiddenHeader } from './headers.ts';
import type { LeakCommandOptions } from './leak.ts';

/** Options that are said again as they were said. */
const REPEATED = [
  'target',
  'command',
  'url',
  'module',
  'inspectPid',
  'sessionsFrom',
  'per',
  'budget',
  'sessionBudget',
  'units',
  'tool',
  'arguments',
  'seed',
] as const satisfies readonly (keyof LeakCommandOptions)[];

/** The command that measures this again. */
export function leakReplay(options: LeakCommandOptions): string {
  return [
    'npx mcp-soak leak',
    ...REPEATED.flatMap((name) => {
      const value = options[name];
      return value === undefined ? [] : [`${flagOf(name)} ${quoted(value)}`];
    }),
    ...(options.header ?? []).map((line) => `--header ${quoted(hiddenHeader(line))}`),
    ...(options.strict === true ? ['--strict'] : []),
    ...(options.allowRemote === true ? ['--allow-remote'] : []),
  ].join(' ');
}
