import { readFileSync } from 'node:fs';

/** A fenced block of the README, as far as it says what it is. */
export type Block =
  | { readonly kind: 'file'; readonly path: string; readonly text: string }
  | { readonly kind: 'change'; readonly path: string; readonly before: string; readonly after: string }
  | { readonly kind: 'command'; readonly command: string; readonly output: readonly string[] };

/**
 * What the section under a heading shows, from top to bottom: files (first line `// name` or `# name`), changes to
 * them (```diff, `@@ name`), and commands (```console, `$ `) with the output that follows.
 */
export function blocksOf(heading: string, text = readFileSync('README.md', 'utf8')): Block[] {
  const [, rest = ''] = text.split(`\n## ${heading}\n`);
  const section = rest.split('\n## ')[0] ?? '';
  return [...section.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].flatMap(([, language = '', body = '']) => {
    if (language === 'console') return commandsOf(body);
    if (language === 'diff') return changesOf(body);
    const [, path] = /^(?:\/\/|#) (\S+)\n/.exec(body) ?? [];
    return path === undefined ? [] : [{ kind: 'file', path, text: body } as const];
  });
}

function commandsOf(body: string): Block[] {
  return body
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [command = '', ...output] = part.trimEnd().split('\n');
      return { kind: 'command', command, output };
    });
}

function changesOf(body: string): Block[] {
  return body
    .split(/^@@ /m)
    .slice(1)
    .map((part) => {
      const [path = '', ...lines] = part.trimEnd().split('\n');
      const side = (left: string) =>
        lines
          .filter((line) => !line.startsWith(left))
          .map((line) => line.slice(1))
          .join('\n');
      return { kind: 'change', path, before: side('+'), after: side('-') };
    });
}

/**
 * The first line shown that did not come out, in order; undefined when all did. A line `…` stands for any number of
 * lines; without it lines follow each other, and the first and the last are the first and the last.
 */
export function firstMissing(shown: readonly string[], seen: readonly string[]): string | undefined {
  let at = 0;
  let isLoose = false;
  for (const line of shown) {
    if (line === '…') {
      isLoose = true;
      continue;
    }
    const found = isLoose ? seen.indexOf(line, at) : seen[at] === line ? at : -1;
    if (found < 0) return line;
    at = found + 1;
    isLoose = false;
  }
  return isLoose || at >= seen.length ? undefined : `nothing more, but there was: ${seen[at]}`;
}
