import { open } from 'node:fs/promises';
import { type Document, isNode, isScalar, LineCounter, parseDocument, visit, type YAMLError } from 'yaml';
import { checkCombinations } from './combinations.ts';
import { type Finding, ScenarioError } from './errors.ts';
import { findingsOf } from './issues.ts';
import { LIMITS, overLimit } from './limits.ts';
import { checkTimes } from './plan.ts';
import { type Scenario, ScenarioSchema } from './schema.ts';
import { ScenarioSource } from './source.ts';

/** No more problems are located: nobody reads them, and a hostile file could hold a hundred thousand. */
const MAX_PROBLEMS = 200;

/** A scenario with the text it came from, which gives later errors their line. */
export interface LoadedScenario {
  readonly scenario: Scenario;
  readonly source: ScenarioSource;
}

/** Reads and checks a scenario file. Throws ScenarioError with everything that is wrong with it. */
export async function readScenario(path: string): Promise<LoadedScenario> {
  return parseScenario(await readText(path), path);
}

/** Checks the text of a scenario. `file`: what to call it in errors. Throws ScenarioError. */
export function loadScenario(text: string, file: string): Scenario {
  return parseScenario(text, file).scenario;
}

/** The same, with the source for the errors of `makePlan`. */
export function parseScenario(text: string, file: string): LoadedScenario {
  const { source, value } = parseYaml(text, file);
  const report = (findings: readonly Finding[]) => {
    if (findings.length > 0) throw located(findings, source);
  };
  report(checkShape(value));
  const parsed = ScenarioSchema.safeParse(value, { reportInput: true });
  if (!parsed.success) throw located(findingsOf(parsed.error, value), source);
  report([...checkCombinations(parsed.data), ...checkTimes(parsed.data)]);
  return { scenario: parsed.data, source };
}

function located(findings: readonly Finding[], source: ScenarioSource): ScenarioError {
  return new ScenarioError(findings.slice(0, MAX_PROBLEMS).map((finding) => source.problem(finding)));
}

async function readText(path: string): Promise<string> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    if (size > LIMITS.fileBytes.most) throw new ScenarioError([whole(path, tooLarge())]);
    return await file.readFile('utf8');
  } catch (error) {
    if (error instanceof ScenarioError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new ScenarioError([whole(path, `cannot be read: ${message}`)], { cause: error });
  }
}

function parseYaml(text: string, file: string): { source: ScenarioSource; value: unknown } {
  if (Buffer.byteLength(text) > LIMITS.fileBytes.most) throw new ScenarioError([whole(file, tooLarge())]);
  const lineCounter = new LineCounter();
  try {
    // The parser compares each key with all others; mapFaults does the same with a set.
    const document = parseDocument(text, { lineCounter, prettyErrors: false, uniqueKeys: false });
    const source = new ScenarioSource(file, text, document, lineCounter);
    const faults = [...yamlFaults(document), ...mapFaults(document)];
    if (faults.length > 0) {
      const kept = faults.slice(0, MAX_PROBLEMS);
      throw new ScenarioError(
        kept.map(({ range, message }) => source.problemAt(range[0], range[1], message)),
      );
    }
    return { source, value: document.toJS({ maxAliasCount: LIMITS.aliases.most }) };
  } catch (error) {
    if (error instanceof ScenarioError) throw error;
    // The parser recurses (RangeError), and refuses bombs and dangling aliases (ReferenceError).
    if (error instanceof RangeError) throw new ScenarioError([whole(file, tooDeep())], { cause: error });
    if (!(error instanceof ReferenceError)) throw error;
    const isBomb = error.message.startsWith('Excessive alias count');
    const message = isBomb ? overLimit('expanded aliases are', LIMITS.aliases) : `not YAML: ${error.message}`;
    throw new ScenarioError([whole(file, message)], { cause: error });
  }
}

interface Fault {
  readonly range: readonly [number, number];
  readonly message: string;
}

function yamlFaults({ errors, warnings }: Document): Fault[] {
  const exhausted = errors.find(({ code }) => code === 'RESOURCE_EXHAUSTION');
  // What follows after the parser ran out of stack is only noise.
  if (exhausted !== undefined) return [{ range: exhausted.pos, message: tooDeep() }];
  return [...errors, ...warnings].map(yamlFault);
}

function yamlFault({ code, message, pos }: YAMLError): Fault {
  if (code === 'MULTIPLE_DOCS') return { range: pos, message: 'a scenario file holds one document' };
  return { range: pos, message: `not YAML: ${message}` };
}

/** Keys that stand twice in one mapping, and mappings too long to be a scenario's. */
function mapFaults(document: Document): Fault[] {
  const faults: Fault[] = [];
  visit(document, {
    Map: (_, map) => {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        const name = isScalar(key) ? key.value : key;
        const [start, end] = (isNode(key) ? key.range : undefined) ?? map.range ?? [0, 0];
        if (seen.has(name))
          faults.push({ range: [start, end], message: 'this key stands twice in one mapping' });
        seen.add(name);
        if (seen.size <= LIMITS.mappingKeys.most) continue;
        faults.push({
          range: [start, end],
          message: overLimit('keys of one mapping are', LIMITS.mappingKeys),
        });
        return visit.SKIP;
      }
      return undefined;
    },
  });
  return faults;
}

/** Holds before any schema is asked: it is a mapping, not too deep, without a key that JavaScript treats specially. */
function checkShape(value: unknown): Finding[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [{ path: [], message: 'a scenario is a mapping that begins with version: 1' }];
  }
  const pending: { path: (string | number)[]; value: object }[] = [{ path: [], value }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (next.path.length > LIMITS.documentDepth.most) return [{ path: next.path, message: tooDeep() }];
    for (const [key, child] of Object.entries(next.value)) {
      const path = [...next.path, Array.isArray(next.value) ? Number(key) : key];
      if (key === '__proto__') return [{ path, message: "unknown key '__proto__'", at: 'key' }];
      if (typeof child === 'object' && child !== null) pending.push({ path, value: child });
    }
  }
  return [];
}

function tooDeep(): string {
  return overLimit('values are nested', LIMITS.documentDepth, ' deep');
}

function tooLarge(): string {
  return overLimit('a scenario file is', LIMITS.fileBytes, ' bytes');
}

function whole(file: string, message: string) {
  return { file, line: 0, column: 0, message, excerpt: '' };
}
