/** Steps that stand alone in a flow: `- listen`. `initialize` may, too. */
export const BARE_STEPS = ['initialize', 'listen', 'delete', 'expect-gone', 'expect-alive'] as const;
/** Steps with settings: `- call: { … }`. */
export const STEPS_WITH_SETTINGS = [
  'initialize',
  'call',
  'list',
  'notify',
  'think',
  'repeat',
  'abandon',
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

/** One step with every duration resolved; plain JSON. */
export type PlannedStep =
  | { readonly kind: 'initialize'; readonly handshake: Handshake }
  | {
      readonly kind: 'call';
      readonly tool: string;
      readonly arguments: { readonly [key: string]: Json };
      readonly timeoutMs: number;
      /** The client gives up after this time; `null`: it waits for the answer or the time-out. */
      readonly abortAfterMs: number | null;
      /** The longest the call can go on in the target, from its send: decides how long it may protect its session. */
      readonly longestMs: number;
    }
  | { readonly kind: 'list'; readonly what: ListWhat }
  | { readonly kind: 'listen' }
  | {
      readonly kind: 'notify';
      readonly method: string;
      readonly params: { readonly [key: string]: Json } | null;
    }
  /** Uniform between the two by seed; equal for a fixed time. */
  | { readonly kind: 'think'; readonly minMs: number; readonly maxMs: number }
  | { readonly kind: 'repeat'; readonly times: number; readonly steps: readonly PlannedStep[] }
  | { readonly kind: 'delete' }
  | { readonly kind: 'abandon'; readonly how: Abandonment }
  | { readonly kind: 'expect-gone' }
  | { readonly kind: 'expect-alive' };
