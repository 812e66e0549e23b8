/** One thing that is wrong with a scenario, and where. Lines and columns count from 1; 0 means the file as a whole. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** The line with a caret under the place; empty for the file as a whole. */
  readonly excerpt: string;
}

/** More problems than this are only counted: the first ones usually cause the rest. */
export const MAX_PROBLEMS_SHOWN = 20;

/** A scenario that cannot be run: everything found wrong with it at once, in the order of the file. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
  readonly code = 'SCENARIO_INVALID';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[], options?: ErrorOptions) {
    const sorted = [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
    super(renderProblems(sorted), options);
    this.problems = sorted;
  }
}

/** `file:line:column: message`, then the excerpt. */
export function renderProblem(problem: Problem): string {
  const { file, line, column, message, excerpt } = problem;
  const place = line === 0 ? file : `${file}:${line}:${column}`;
  return excerpt === '' ? `${place}: ${message}` : `${place}: ${message}\n${excerpt}`;
}

function renderProblems(problems: readonly Problem[]): string {
  const shown = problems.slice(0, MAX_PROBLEMS_SHOWN).map(renderProblem);
  const more = problems.length - shown.length;
  return [...shown, ...(more > 0 ? [`… and ${more} more`] : [])].join('\n');
}

/** Where in the document something is: keys and indexes from the root. */
export type Path = readonly (string | number)[];

/** A problem before its place is known in lines and columns. */
export interface Finding {
  readonly path: Path;
  readonly message: string;
  /** Point at the key instead of its value. */
  readonly at?: 'key' | 'value';
  /** Character inside the value that it is about. */
  readonly offset?: number;
}

/** `workloads.idle.flow[2].think` */
export function renderPath(path: Path): string {
  const parts = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`));
  return parts.join('').replace(/^\./, '');
}
