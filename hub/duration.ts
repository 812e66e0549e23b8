const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

function isUnit(text: string): text is keyof typeof UNITS {
  return Object.hasOwn(UNITS, text);
}

/**
 * Milliseconds of a duration such as `250ms`, `30s`, `5m`, `1h` or a bare number of milliseconds.
 * Undefined when the text is none of these.
 */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/.exec(text.trim());
  if (!match) return undefined;
  const [, amount = '', unit = ''] = match;
  if (unit === '') return Number(amount);
  return isUnit(unit) ? Number(amount) * UNITS[unit] : undefined;
}
