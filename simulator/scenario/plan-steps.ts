import { formatDuration } from './duration.ts';
import type { Path } from './errors.ts';
import type { Step } from './flow-schema.ts';
import { DEFAULT_CALL_TIMEOUT_MS, planFault, planRaw } from './plan-wire-steps.ts';
import type { Resolver } from './resolver.ts';
import type { Json, PlannedCall, PlannedStep } from './step.ts';

type StepSettings = Exclude<Step, string>;
type CallSettings = NonNullable<StepSettings['call']>;
type ConcurrentSettings = NonNullable<StepSettings['concurrent']>;
type NotifySettings = NonNullable<StepSettings['notify']>;
type ThinkSettings = NonNullable<StepSettings['think']>;
type EventsSettings = NonNullable<StepSettings['expect-events']>;
type Arguments = { readonly [key: string]: Json };

/** How long events may take that were sent before anybody waits for them. */
const EVENTS_WITHIN_MS = 5_000;

/** The steps of a flow with every duration in ms. `base`: where the list stands. */
export function planSteps(steps: readonly Step[], base: Path, resolver: Resolver): PlannedStep[] {
  return steps.map((step, index) => planStep(step, [...base, index], resolver));
}

function planStep(step: Step, path: Path, resolver: Resolver): PlannedStep {
  if (step === 'initialize') return { kind: 'initialize', handshake: 'full' };
  if (step === 'reconnect' || step === 'resume') return { kind: step, afterMs: 0 };
  if (step === 'expect-events') return { kind: step, withinMs: EVENTS_WITHIN_MS };
  if (typeof step === 'string') return { kind: step };
  const { initialize, call, concurrent, list, notify, think, raw, fault, repeat, parallel, abandon } = step;
  if (initialize) return planInitialize(initialize, [...path, 'initialize'], resolver);
  if (call) return planCall(call, [...path, 'call'], resolver);
  if (concurrent) return planConcurrent(concurrent, [...path, 'concurrent'], resolver);
  if (list) return { kind: 'list', what: list };
  if (notify) return planNotify(notify, [...path, 'notify'], resolver);
  if (think) return planThink(think, [...path, 'think'], resolver);
  for (const kind of ['reconnect', 'resume'] as const) {
    const reopening = step[kind];
    if (reopening) return { kind, afterMs: resolver.ms(reopening.after ?? '0s', [...path, kind, 'after']) };
  }
  if (raw) return planRaw(raw, [...path, 'raw'], resolver);
  if (fault) return planFault(fault, [...path, 'fault'], resolver);
  if (abandon) return { kind: 'abandon', how: abandon };
  const events = step['expect-events'];
  if (events) return planEvents(events, [...path, 'expect-events'], resolver);
  if (parallel) {
    const base = [...path, 'parallel', 'flows'];
    const flows = parallel.flows.map((branch, index) => planSteps(branch, [...base, index], resolver));
    return { kind: 'parallel', flows };
  }
  if (!repeat) throw new Error('a step without a name passed the schema');
  return {
    kind: 'repeat',
    times: repeat.times,
    steps: planSteps(repeat.steps, [...path, 'repeat', 'steps'], resolver),
  };
}

function planInitialize(
  { handshake = 'full', longest }: NonNullable<StepSettings['initialize']>,
  path: Path,
  resolver: Resolver,
): PlannedStep {
  if (longest === undefined) return { kind: 'initialize', handshake };
  return { kind: 'initialize', handshake, longestMs: resolver.ms(longest, [...path, 'longest']) };
}

function planConcurrent(settings: ConcurrentSettings, path: Path, resolver: Resolver): PlannedStep {
  const { calls = [], times = 0, call } = settings;
  const listed = calls.map((each, index) => planCall(each, [...path, 'calls', index], resolver));
  if (!call) return { kind: 'concurrent', calls: listed };
  const planned = planCall(call, [...path, 'call'], resolver);
  return { kind: 'concurrent', calls: Array.from({ length: times }, () => planned) };
}

function planCall(call: CallSettings, path: Path, resolver: Resolver): PlannedCall {
  const ms = (key: 'timeout' | 'abortAfter' | 'longest') => {
    const text = call[key];
    return text === undefined ? undefined : resolver.ms(text, [...path, key]);
  };
  const timeoutMs = ms('timeout') ?? DEFAULT_CALL_TIMEOUT_MS;
  const abortAfterMs = ms('abortAfter') ?? null;
  if (abortAfterMs !== null && abortAfterMs >= timeoutMs) {
    const message = `abortAfter (${formatDuration(abortAfterMs)}) must be below timeout (${formatDuration(timeoutMs)}), or it never happens`;
    resolver.note({ path: [...path, 'abortAfter'], message });
  }
  return {
    kind: 'call',
    tool: call.tool,
    arguments: planArguments(call.arguments ?? {}, [...path, 'arguments'], resolver),
    timeoutMs,
    abortAfterMs,
    longestMs: ms('longest') ?? timeoutMs,
    wantsProgress: call.progress ?? false,
  };
}

function planEvents({ within }: EventsSettings, path: Path, resolver: Resolver): PlannedStep {
  const withinMs = within === undefined ? EVENTS_WITHIN_MS : resolver.ms(within, [...path, 'within']);
  return { kind: 'expect-events', withinMs };
}

function planNotify(notify: NotifySettings, path: Path, resolver: Resolver): PlannedStep {
  if (typeof notify === 'string') return { kind: 'notify', method: notify, params: null };
  const params = notify.params ? planArguments(notify.params, [...path, 'params'], resolver) : null;
  return { kind: 'notify', method: notify.method, params };
}

function planThink(think: ThinkSettings, path: Path, resolver: Resolver): PlannedStep {
  if (typeof think === 'string') {
    const fixed = resolver.ms(think, path);
    return { kind: 'think', minMs: fixed, maxMs: fixed };
  }
  const [least, most] = think.between;
  const minMs = resolver.ms(least, [...path, 'between', 0]);
  const maxMs = resolver.ms(most, [...path, 'between', 1]);
  if (minMs > maxMs) {
    const message = `between begins with the shorter time, got ${formatDuration(minMs)} and ${formatDuration(maxMs)}`;
    resolver.note({ path: [...path, 'between'], message });
  }
  return { kind: 'think', minMs, maxMs };
}

function planArguments(settings: Arguments, path: Path, resolver: Resolver): Arguments {
  // fromEntries defines own properties, so that even a key `__proto__` stays what it is.
  return Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [key, planValue(value, [...path, key], resolver)]),
  );
}

/** A mapping whose only key is `duration` becomes a number of ms; all else stays as it is. */
function planValue(value: Json, path: Path, resolver: Resolver): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (isList(value)) return value.map((item, index) => planValue(item, [...path, index], resolver));
  if (!('duration' in value) || Object.keys(value).length > 1) return planArguments(value, path, resolver);
  const { duration } = value;
  if (typeof duration === 'string') return resolver.ms(duration, [...path, 'duration']);
  const message = 'a duration is text with a unit, such as 5s or 1.2T';
  resolver.note({ path: [...path, 'duration'], message });
  return value;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
