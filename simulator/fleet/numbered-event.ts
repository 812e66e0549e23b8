/** One of several events that a call sends: which call's, and the how manieth. */
export interface NumberedEvent {
  readonly tag: string;
  readonly n: number;
}

/**
 * Reads a notification as such an event: progress (`progressToken`, `progress`), or any other that carries `tag` and
 * `n`, also inside the `data` of a log message. Undefined: it is something else.
 */
export function numberedEvent(method: string, params: unknown): NumberedEvent | undefined {
  if (!isObject(params)) return undefined;
  if (method === 'notifications/progress') return eventOf(params.progressToken, params.progress);
  return (
    eventOf(params.tag, params.n) ??
    (isObject(params.data) ? eventOf(params.data.tag, params.data.n) : undefined)
  );
}

function eventOf(tag: unknown, n: unknown): NumberedEvent | undefined {
  return typeof tag === 'string' && tag !== '' && typeof n === 'number' ? { tag, n } : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
