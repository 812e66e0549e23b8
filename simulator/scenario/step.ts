/** Steps that stand alone in a flow: `- listen`. `initialize`, `reconnect`, `resume` and `expect-events` may, too. */
export const BARE_STEPS = [
  'initialize',
  'listen',
  'ping',
  'reset',
  'reconnect',
  'resume',
  'reinitialize',
  'delete',
  'expect-gone',
  'expect-alive',
  'expect-events',
] as const;
/** Steps with settings: `- call: { … }`. */
export const STEPS_WITH_SETTINGS = [
  'initialize',
  'call',
  'concurrent',
  'list',
  'notify',
  'think',
  'reconnect',
  'resume',
  'raw',
  'fault',
  'repeat',
  'parallel',
  'abandon',
  'expect-events',
] as const;

export type StepName = (typeof BARE_STEPS)[number] | (typeof STEPS_WITH_SETTINGS)[number];

export const HANDSHAKES = ['full', 'half'] as const;
/** `half`: initialize without the notification that completes it. */
export type Handshake = (typeof HANDSHAKES)[number];

export const LISTS = ['tools', 'prompts', 'resources'] as const;
export type ListWhat = (typeof LISTS)[number];

export const ABANDONMENTS = ['silent', 'destroyed', 'frozen'] as const;
/** `silent`: sockets closed in order. `destroyed`: reset. `frozen`: left open and never read again. */
export type Abandonment = (typeof ABANDONMENTS)[number];

/** What JSON can hold. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** For how long a fault of the network holds. */
export const FAULT_SCOPES = ['next request', 'rest of flow'] as const;
export type FaultScope = (typeof FAULT_SCOPES)[number];

/** Stands for the id of the session in headers of `raw`. */
export const SESSION_PLACEHOLDER = '$session';

/** A text, said so many times over: short in a plan, however long it is on the wire. */
export interface RepeatedText {
  readonly text: string;
  readonly times: number;
  /** Said as often after that, as brackets are. */
  readonly close?: string;
}

export interface PlannedCall {
  readonly kind: 'call';
  readonly tool: string;
  readonly arguments: { readonly [key: string]: Json };
  readonly timeoutMs: number;
  /** The client gives up after this time; `null`: it waits for the answer or the time-out. */
  readonly abortAfterMs: number | null;
  /** The longest the call can go on in the target, from its send: decides how long it may protect its session. */
  readonly longestMs: number;
  /** Progress is asked for. */
  readonly wantsProgress: boolean;
}

/** Whether a tool of this name sends events of its own on the session's stream, numbered and with the tag it is given. */
export function sendsEvents(tool: string, args: { readonly [key: string]: Json } | undefined): boolean {
  return tool === 'emit' && args?.on === 'stream';
}

export interface PlannedRaw {
  readonly kind: 'raw';
  readonly method: string;
  /** `null`: that of the endpoint. */
  readonly path: string | null;
  readonly headers: readonly (readonly [name: string, value: RepeatedText])[];
  readonly body: RepeatedText | null;
  /** Any of these is as expected. `closed`: the connection ends without an answer. */
  readonly statuses: readonly (number | 'closed')[];
  readonly timeoutMs: number;
}

/** What a network does to the bytes of a request and its answer. `null`: nothing of that kind. */
export interface PlannedFault {
  readonly kind: 'fault';
  readonly scope: FaultScope;
  /** The request arrives so much later. */
  readonly delayMs: number | null;
  /** After so many bytes of the answer the connection breaks. */
  readonly cutAfterBytes: number | null;
  /** The answer is read at this rate. */
  readonly readBytesPerSecond: number | null;
  /** The second half of the request's body never comes. */
  readonly halfBody: boolean;
}

/** One step with every duration resolved; plain JSON. */
export type PlannedStep =
  /** `longestMs`: how long the target may work on it when its answer is lost. */
  | { readonly kind: 'initialize'; readonly handshake: Handshake; readonly longestMs?: number }
  | PlannedCall
  /** All at once, in one session. */
  | { readonly kind: 'concurrent'; readonly calls: readonly PlannedCall[] }
  | { readonly kind: 'list'; readonly what: ListWhat }
  | { readonly kind: 'listen' }
  | { readonly kind: 'ping' }
  | {
      readonly kind: 'notify';
      readonly method: string;
      readonly params: { readonly [key: string]: Json } | null;
    }
  /** Uniform between the two by seed; equal for a fixed time. */
  | { readonly kind: 'think'; readonly minMs: number; readonly maxMs: number }
  /** Every connection of the client breaks; the session goes on. */
  | { readonly kind: 'reset' }
  /** The GET stream is closed, and opened again so much later; `resume` tells the last event id it saw. */
  | { readonly kind: 'reconnect' | 'resume'; readonly afterMs: number }
  /** The session is left behind without DELETE, and another one is opened. */
  | { readonly kind: 'reinitialize' }
  | PlannedRaw
  | PlannedFault
  | { readonly kind: 'repeat'; readonly times: number; readonly steps: readonly PlannedStep[] }
  /** Side by side, in one session; over when the last of them is. */
  | { readonly kind: 'parallel'; readonly flows: readonly (readonly PlannedStep[])[] }
  | { readonly kind: 'delete' }
  | { readonly kind: 'abandon'; readonly how: Abandonment }
  | { readonly kind: 'expect-gone' }
  | { readonly kind: 'expect-alive' }
  /** Every event that the session's calls were to send comes within this time, once and in order. */
  | { readonly kind: 'expect-events'; readonly withinMs: number };

/** How long an iteration of this flow takes at least: its thinking, and nothing for answers. */
export function shortestMs(flow: readonly PlannedStep[]): number {
  return sumOver(flow, (step) => {
    if (step.kind === 'think') return step.minMs;
    if (step.kind === 'parallel') return Math.max(...step.flows.map(shortestMs));
    return step.kind === 'reconnect' || step.kind === 'resume' ? step.afterMs : 0;
  });
}

/** How many sessions one iteration of this flow opens, as far as the flow itself says. */
export function sessionsPerIteration(flow: readonly PlannedStep[]): number {
  return Math.max(
    1,
    sumOver(flow, ({ kind }) => Number(kind === 'initialize' || kind === 'reinitialize')),
  );
}

/** The most calls that the flow has in flight at once. */
export function mostConcurrent(flow: readonly PlannedStep[]): number {
  const counts = flow.map((step) => {
    if (step.kind === 'repeat') return mostConcurrent(step.steps);
    if (step.kind === 'parallel') return step.flows.reduce((sum, branch) => sum + mostConcurrent(branch), 0);
    return step.kind === 'concurrent' ? step.calls.length : 1;
  });
  return Math.max(1, ...counts);
}

function sumOver(flow: readonly PlannedStep[], measure: (step: PlannedStep) => number): number {
  return flow.reduce((sum, step) => {
    const here = step.kind === 'repeat' ? step.times * sumOver(step.steps, measure) : measure(step);
    return sum + here;
  }, 0);
}
