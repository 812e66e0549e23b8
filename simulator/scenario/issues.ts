import * as z from 'zod';
import type { Finding, Path } from './errors.ts';
import { unknownWord } from './nearest.ts';
import { EXECUTORS, type ExecutorKind, ScenarioSchema, settingsOf } from './schema.ts';
import { describe } from './schema-parts.ts';
import { BARE_STEPS, STEPS_WITH_SETTINGS } from './step.ts';

type Issue = z.core.$ZodIssue;

/** Says what zod found in the words of a scenario author. `input`: what was validated. */
export function findingsOf(error: z.ZodError, input: unknown): Finding[] {
  return error.issues.flatMap((issue) => explain(issue, [], input));
}

function explain(issue: Issue, base: Path, input: unknown): Finding[] {
  const path: Path = [...base, ...issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))];
  const key = path.at(-1);
  if (typeof key === 'string' && issue.code !== 'custom' && valueAt(input, path) === undefined) {
    return [{ path, message: `missing key '${key}'`, at: 'key' }];
  }
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((unknown) => unknownKey(unknown, path, input));
    case 'invalid_union':
      return explainUnion(issue, path, input);
    case 'invalid_key':
      return [{ path, message: issue.issues[0]?.message ?? issue.message, at: 'key' }];
    case 'invalid_type': {
      const message = isDefault(issue)
        ? `expected ${noun(issue.expected)}, got ${describe(issue.input)}`
        : issue.message;
      return [{ path, message }];
    }
    case 'custom':
      return [{ path, message: issue.message, ...placeIn(issue.params) }];
    default:
      return [{ path, message: issue.message }];
  }
}

function explainUnion(issue: z.core.$ZodIssueInvalidUnion, path: Path, input: unknown): Finding[] {
  if (issue.discriminator !== undefined) {
    const value = valueAt(input, path);
    const message =
      typeof value === 'string'
        ? unknownWord(issue.discriminator, value, EXECUTORS)
        : `expected a word for the ${issue.discriminator}, got ${describe(value)}. Allowed: ${EXECUTORS.join(', ')}`;
    return [{ path, message }];
  }
  const branch = issue.errors.find((issues) => !issues.some(isWrongKind));
  if (branch !== undefined) return branch.flatMap((inner) => explain(inner, path, input));
  const first = issue.errors[0]?.[0];
  const fits = typeof issue.input !== 'object' && first !== undefined && !isDefault(first);
  return [{ path, message: fits ? first.message : issue.message }];
}

/** The branch was meant for another kind of value (a word where a mapping stands), so its complaints mislead. */
function isWrongKind(issue: Issue): boolean {
  if (issue.path.length > 0) return false;
  if (issue.code === 'invalid_value') return typeof issue.input !== typeof issue.values[0];
  return issue.code === 'invalid_type' || issue.code === 'invalid_union';
}

/** zod's own words, which no schema of ours replaced. */
function isDefault(issue: Issue): boolean {
  return issue.message.startsWith('Invalid ');
}

function unknownKey(key: string, parent: Path, input: unknown): Finding {
  const path = [...parent, key];
  const owners = ownersOf(key);
  const executor = executorAt(parent, input);
  if (owners.length > 0 && executor !== undefined && !owners.includes(executor)) {
    const belongs = `'${key}' belongs to the executor${owners.length > 1 ? 's' : ''} ${owners.join(', ')}`;
    return { path, message: `${belongs}; the executor here is ${executor}`, at: 'key' };
  }
  const allowed = keysAt(ScenarioSchema, parent, input);
  if (!isStep(parent)) return { path, message: unknownWord('key', key, allowed), at: 'key' };
  if (BARE_STEPS.some((step) => step === key)) {
    return { path, message: `the step '${key}' has no settings: write - ${key}`, at: 'key' };
  }
  return {
    path,
    message: unknownWord('step', key, [...new Set([...BARE_STEPS, ...STEPS_WITH_SETTINGS])]),
    at: 'key',
  };
}

function isStep(path: Path): boolean {
  return typeof path.at(-1) === 'number' && (path.at(-2) === 'flow' || path.at(-2) === 'steps');
}

function ownersOf(key: string): ExecutorKind[] {
  return EXECUTORS.filter((executor) => settingsOf(executor).includes(key));
}

/** The executor of the workload itself, or of the workload whose `real:` or `virtual:` this is. */
function executorAt(path: Path, input: unknown): ExecutorKind | undefined {
  if (path[0] !== 'workloads' || path.length > 3) return undefined;
  const executor = valueAt(input, [...path.slice(0, 2), 'executor']);
  return EXECUTORS.find((name) => name === executor);
}

/** The keys that a mapping at this path may have. */
function keysAt(schema: unknown, path: Path, input: unknown): string[] {
  let candidates = mappings(schema, input);
  let value = input;
  for (const part of path) {
    value = valueAt(value, [part]);
    candidates = candidates.flatMap((candidate) => mappings(inside(candidate, part), value));
  }
  return [...new Set(candidates.flatMap((it) => (it instanceof z.ZodObject ? Object.keys(it.shape) : [])))];
}

function inside(schema: unknown, part: string | number): unknown {
  if (schema instanceof z.ZodObject) return schema.shape[part];
  if (schema instanceof z.ZodRecord) return schema.valueType;
  return schema instanceof z.ZodArray ? schema.element : undefined;
}

/** Takes wrappers and unions off, down to what can hold keys. Of workloads, only those with the executor written. */
function mappings(schema: unknown, value: unknown): unknown[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault)
    return mappings(schema.unwrap(), value);
  if (schema instanceof z.ZodDiscriminatedUnion) {
    const key = schema.def.discriminator;
    return schema.options.filter(
      (option) =>
        option instanceof z.ZodObject && z.safeParse(option.shape[key], valueAt(value, [key])).success,
    );
  }
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => mappings(option, value));
  return [schema];
}

function valueAt(input: unknown, path: Path): unknown {
  let value = input;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = Object.getOwnPropertyDescriptor(value, part)?.value;
  }
  return value;
}

function placeIn(params: Record<string, unknown> | undefined): Pick<Finding, 'at' | 'offset'> {
  const { at, offset } = params ?? {};
  return { ...(at === 'key' ? { at } : {}), ...(typeof offset === 'number' ? { offset } : {}) };
}

const NOUNS: Readonly<Record<string, string>> = {
  object: 'a mapping',
  record: 'a mapping',
  array: 'a list',
  string: 'text',
  number: 'a number',
  tuple: 'a list',
};

function noun(expected: string): string {
  return NOUNS[expected] ?? expected;
}
