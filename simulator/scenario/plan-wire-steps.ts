import type { Path } from './errors.ts';
import type { Step } from './flow-schema.ts';
import { LIMITS, overLimit } from './limits.ts';
import type { RawSettings } from './raw-schema.ts';
import type { Resolver } from './resolver.ts';
import { parseBytesPerSecond } from './schema-parts.ts';
import type { PlannedFault, PlannedRaw, RepeatedText } from './step.ts';

/** How long a client waits for an answer when the scenario does not say, as in the SDK's clients. */
export const DEFAULT_CALL_TIMEOUT_MS = 60_000;

type FaultSettings = NonNullable<Exclude<Step, string>['fault']>;

export function planRaw(raw: RawSettings, path: Path, resolver: Resolver): PlannedRaw {
  const { status } = raw.expect;
  const body = raw.bodyBytes === undefined ? raw.body : { repeat: 'x', times: raw.bodyBytes };
  const planned = body === undefined ? null : repeatedText(body);
  const headers = Object.entries(raw.headers ?? {}).map(([name, value]): [string, RepeatedText] => [
    name,
    repeatedText(value),
  ]);
  // A body is held in memory as a whole, and so is a head.
  for (const [where, { text, times, close = '' }] of [
    ...headers,
    ...(planned ? [['body', planned] as const] : []),
  ]) {
    if (Buffer.byteLength(text + close) * times <= LIMITS.rawBodyBytes.most) continue;
    const message = overLimit(`${where} is`, LIMITS.rawBodyBytes, ' bytes');
    resolver.note({ path: where === 'body' ? [...path, 'body'] : [...path, 'headers', where], message });
  }
  return {
    kind: 'raw',
    method: raw.method,
    path: raw.path ?? null,
    headers,
    body: planned,
    statuses: Array.isArray(status) ? status : [status],
    timeoutMs:
      raw.timeout === undefined ? DEFAULT_CALL_TIMEOUT_MS : resolver.ms(raw.timeout, [...path, 'timeout']),
  };
}

export function planFault(fault: FaultSettings, path: Path, resolver: Resolver): PlannedFault {
  if (fault.halfBody && fault.cutAfterBytes !== undefined) {
    const message = 'halfBody and cutAfterBytes exclude each other: half a request gets no answer to cut';
    resolver.note({ path: [...path, 'cutAfterBytes'], message, at: 'key' });
  }
  return {
    kind: 'fault',
    scope: fault.for ?? 'next request',
    delayMs: fault.delay === undefined ? null : resolver.ms(fault.delay, [...path, 'delay']),
    cutAfterBytes: fault.cutAfterBytes ?? null,
    readBytesPerSecond: fault.slowRead === undefined ? null : (parseBytesPerSecond(fault.slowRead) ?? null),
    halfBody: fault.halfBody ?? false,
  };
}

type WrittenText = string | { repeat: string; times: number; close?: string | undefined };

function repeatedText(written: WrittenText): RepeatedText {
  if (typeof written === 'string') return { text: written, times: 1 };
  const { repeat, times, close } = written;
  return { text: repeat, times, ...(close !== undefined && { close }) };
}
