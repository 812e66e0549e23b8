import { bundledNames, openScenario } from './files.ts';

/** The bundled scenarios, a line each. */
export async function listScenarios(): Promise<string> {
  const names = bundledNames();
  const width = Math.max(...names.map((name) => name.length));
  const lines = await Promise.all(
    names.map(async (name) => {
      const { scenario } = await openScenario(name);
      return `${name.padEnd(width)}  ${scenario.description}  [${scenario.covers.join(' ')}]`;
    }),
  );
  return `${lines.join('\n')}\n`;
}
