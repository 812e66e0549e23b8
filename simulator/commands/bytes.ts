import { RequestError } from '../run-request.ts';

const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1_000,
  KiB: 1_024,
  MB: 1_000_000,
  MiB: 1_048_576,
};

/** `64B`, `1.5KiB`; without a unit, bytes. @throws RequestError for anything else, and for nothing at all */
export function parseBytes(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, number, unit = 'B'] = /^(\d+(?:\.\d+)?) ?(B|kB|KiB|MB|MiB)?$/.exec(text) ?? [];
  const bytes = Number(number) * (UNITS[unit] ?? 1);
  if (bytes > 0) return bytes;
  throw new RequestError(
    `${option}: got '${text}', allowed: an amount of memory above 0 such as 64B, 1KiB or 2kB.`,
  );
}
