import { flagOf, quoted } from '../shell-words.ts';
import type { AuditOptions } from './audit.ts';
import { hiddenHeader } from './headers.ts';

/** Options that are said again as they were said. Headers may be tokens: they are named, not shown. */
const REPEATED = [
  'target',
  'command',
  'url',
  'module',
  'mode',
  'seed',
  'sessionTimeout',
  'cleanupInterval',
  'sessionsFrom',
  'inspectPid',
  'echoTool',
  'slowTool',
  'only',
  'sessionBudget',
] as const satisfies readonly (keyof AuditOptions)[];

/** The command that makes this audit again. */
export function auditReplay(shorthand: string | undefined, options: AuditOptions): string {
  const { policy = [], header = [], otherHeader = [], maxWait } = options;
  return [
    'npx mcp-soak audit',
    ...(shorthand === undefined ? [] : [quoted(shorthand)]),
    ...REPEATED.flatMap((name) => {
      const value = options[name];
      return value === undefined ? [] : [`${flagOf(name)} ${quoted(value)}`];
    }),
    ...(policy.length === 0 ? [] : [`--policy ${policy.map(quoted).join(' ')}`]),
    ...header.map((line) => `--header ${quoted(hiddenHeader(line))}`),
    ...otherHeader.map((line) => `--other-header ${quoted(hiddenHeader(line))}`),
    ...(maxWait === undefined ? [] : [`--max-wait ${maxWait}`]),
    ...(options.memory === true ? ['--memory'] : []),
    ...(options.allowRemote === true ? ['--allow-remote'] : []),
  ].join(' ');
}
