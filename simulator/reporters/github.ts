import type { Check } from '../judge/check.ts';
import type { RunResult } from '../result.ts';

/** GitHub shows no more annotations of one kind and step. */
const MAX_ANNOTATIONS = 10;

/** The failed checks of a run as workflow commands, which GitHub shows beside the commit; empty when none failed. */
export function renderAnnotations({ scenario, mode, checks, replay }: RunResult): string {
  const failed = checks.filter(({ verdict }) => verdict === 'fail' || verdict === 'no-data');
  return failed
    .slice(0, MAX_ANNOTATIONS)
    .map(
      (check) =>
        `::error title=${property(`mcp-soak ${scenario.name} (${mode}): ${check.name}`)}::${value(`${said(check)}\nagain: ${replay}`)}\n`,
    )
    .join('');
}

function said({ observed, limit, reason }: Check): string {
  return `${observed}, allowed ${limit}${reason === '' ? '' : `: ${reason}`}`;
}

/** A raw line end would end the command, and let a target's text begin one of its own. */
function value(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return value(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
