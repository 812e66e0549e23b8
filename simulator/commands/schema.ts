import * as z from 'zod';
import { EXIT } from '../exit-code.ts';
import { METRICS } from '../judge/metric-catalogue.ts';
import { TRENDS_BY_METHOD } from '../judge/metrics.ts';
import { flowSchema } from '../scenario/flow-schema.ts';
import { INVARIANTS } from '../scenario/invariant-names.ts';
import { ScenarioSchema } from '../scenario/schema.ts';
import { constantDuration, duration } from '../scenario/schema-parts.ts';
import { BARE_STEPS, STEPS_WITH_SETTINGS } from '../scenario/step.ts';
import { writeOut } from './report.ts';
import type { Console } from './run.ts';

/** A name, not an address: the schema travels with the package. */
const ID = 'urn:mcp-soak:scenario:1';

type JsonSchema = Record<string, unknown>;

/** Prints the JSON Schema of scenario files, or writes it to a file. */
export function printSchema({ out: path }: { out?: string }, { out }: Console): number {
  const text = `${JSON.stringify(scenarioJsonSchema(), null, 2)}\n`;
  if (path === undefined) out.write(text);
  else writeOut(path, text);
  return EXIT.pass;
}

/**
 * Scenario files as JSON Schema (draft 2020-12), for editors. It accepts all that mcp-soak accepts, and refuses
 * what can be told from the shape; combinations that make no sense are for `mcp-soak validate`.
 */
export function scenarioJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(ScenarioSchema, {
    target: 'draft-2020-12',
    // As written in the file: what has a default may be left out.
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema === duration) jsonSchema.pattern = durationPattern('ms|s|m|h', '[TCHD]');
      if (zodSchema === constantDuration) {
        jsonSchema.pattern = durationPattern('ms|s|m|h');
        jsonSchema.description = 'A time: 250ms, 30s, 5m, 1h';
      }
      if (zodSchema === flowSchema) jsonSchema.title = FLOW;
    },
  });
  const { $schema, ...rest } = nameFlow(schema);
  const head = {
    $schema,
    $id: ID,
    title: 'mcp-soak scenario',
    description:
      'What the clients of a soak test do, how long the target is watched, and what is demanded of it.',
  };
  return describe({ ...head, ...rest });
}

const FLOW = 'flow';

/** The grammar of `duration.ts` as far as a pattern holds it. */
function durationPattern(units: string, symbol?: string): string {
  const time = `\\d+(\\.\\d+)?(${units})`;
  const term = symbol === undefined ? time : `(${time}|(\\d+(\\.\\d+)?)?${symbol})`;
  return `^ *${term}( *[+-] *${term})* *$`;
}

/** zod numbers recursive schemas; the flow is the one that people meet in messages of editors. */
function nameFlow(schema: JsonSchema): JsonSchema {
  const definitions = z
    .record(z.string(), z.looseObject({ title: z.string().optional() }))
    .parse(schema.$defs);
  const found = Object.entries(definitions).find(([, { title }]) => title === FLOW);
  if (found === undefined) throw new Error('the schema of scenarios has no definition of a flow');
  const [numbered] = found;
  const text = JSON.stringify({ ...schema, $defs: rekeyed(definitions, numbered) });
  const renamed: unknown = JSON.parse(text.replaceAll(`"#/$defs/${numbered}"`, `"#/$defs/${FLOW}"`));
  return z.record(z.string(), z.unknown()).parse(renamed);
}

function rekeyed(definitions: JsonSchema, numbered: string): JsonSchema {
  return Object.fromEntries(
    Object.entries(definitions).map(([key, value]) => [key === numbered ? FLOW : key, value]),
  );
}

const STEP_TEXTS: Readonly<Record<string, string>> = {
  initialize: 'Opens a session; with handshake: half, never completes it',
  call: 'Calls a tool and waits for its answer',
  concurrent: 'Makes several calls at once, in one session',
  list: 'Lists tools, prompts or resources',
  listen: 'Opens the stream on which the target may speak (GET)',
  ping: 'Sends a ping and waits for its answer',
  notify: 'Sends a notification',
  think: 'Does nothing for a while: 5s, or { between: [1s, 5s] }',
  reset: 'Breaks every connection of the client; the session goes on',
  reconnect: 'Closes the stream and opens it again',
  resume: 'Closes the stream and opens it again, telling the last event that it saw',
  reinitialize: 'Leaves the session without DELETE and opens another one',
  raw: 'Sends any HTTP request, and says which statuses are right',
  fault: 'Lets the network delay, cut or slow down what follows',
  repeat: 'Takes steps several times',
  parallel: 'Takes several flows side by side, in one session',
  delete: 'Ends the session, as a polite client does',
  abandon: 'Leaves without a word: silent, destroyed (connections cut), or frozen (never reads again)',
  'expect-gone': 'Demands that the session has ended (404)',
  'expect-alive': 'Demands that the session still lives',
  'expect-events': 'Demands that every event its calls sent has come, once and in order',
};

/** What each step does, in the order of the schema. */
const STEPS: readonly (readonly [name: string, says: string])[] = [
  ...new Set<string>([...BARE_STEPS, ...STEPS_WITH_SETTINGS]),
].map((name) => [name, STEP_TEXTS[name] ?? '']);

const METRIC_PATTERN = Object.keys(METRICS)
  .map((name) => (TRENDS_BY_METHOD.some((trend) => trend === name) ? `${name}(\\{method:[^{}]+\\})?` : name))
  .join('|');

/** What an editor shows besides the shape, by where it belongs. */
const ADDITIONS: Readonly<Record<string, JsonSchema>> = {
  'properties.version': { description: 'The version of the format' },
  'properties.name': { description: 'Names the folder of its reports' },
  'properties.description': { description: 'One line for `mcp-soak list`' },
  'properties.covers': { description: 'The failure modes it looks for, F01 to F58' },
  'properties.cycles': { description: 'How often workloads and settling are gone through' },
  'properties.workloads': { description: 'Who comes, how often, and what they do' },
  'properties.events': { description: 'What befalls the target during the run' },
  'properties.thresholds': {
    description: "Limits on metrics: mcp_request_duration_ms: ['p(95) < 250ms']",
    propertyNames: { type: 'string', pattern: `^(${METRIC_PATTERN})$` },
    additionalProperties: {
      type: 'array',
      items: { type: 'string', pattern: '^ *[A-Za-z]+(\\([^)]*\\))? *(<=|>=|==|!=|<|>) *\\S+( \\S+)? *$' },
    },
  },
  'properties.invariants.items': {
    description: Object.entries(INVARIANTS)
      .map(([name, { describes }]) => `${name}: ${describes}`)
      .join('\n'),
  },
  '$defs.flow': { title: FLOW, description: 'The steps of one iteration, in order' },
  '$defs.flow.items': {
    description: STEPS.map(([name, says]) => `${name}: ${says}`).join('\n'),
  },
};

function describe(schema: JsonSchema): JsonSchema {
  for (const [path, addition] of Object.entries(ADDITIONS)) Object.assign(at(schema, path), addition);
  const [steps] = Object.values(z.array(z.unknown()).parse(at(schema, '$defs.flow.items').anyOf)).filter(
    (branch) => isObject(branch) && isObject(branch.properties),
  );
  for (const [name, description] of STEPS) {
    const step = isObject(steps) && isObject(steps.properties) ? steps.properties[name] : undefined;
    if (isObject(step)) step.description = description;
  }
  return schema;
}

/** The part of the schema at a path; it is a mistake of this file when there is none. */
function at(schema: JsonSchema, path: string): JsonSchema {
  let part: unknown = schema;
  for (const key of path.split('.')) part = isObject(part) ? part[key] : undefined;
  if (!isObject(part)) throw new Error(`the schema of scenarios has nothing at ${path}`);
  return part;
}

function isObject(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
