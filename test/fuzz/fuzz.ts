import fc from 'fast-check';

/** `FUZZ_FACTOR=100 npx vitest run test/fuzz` looks a hundred times as long. */
const FACTOR = Number(process.env.FUZZ_FACTOR ?? 1);
/** Fixed, so that a run in CI is the same run as yesterday's. `FUZZ_SEED=…` looks elsewhere. */
const SEED = Number(process.env.FUZZ_SEED ?? 20_251_125);

/** How long a property may take, for vitest. */
export const LIMIT_MS = 30_000 * Math.max(1, FACTOR);

/** What to give to `fc.assert`; a failure reports seed, path and the shrunk case. */
export function runs(count: number): { seed: number; numRuns: number } {
  return { seed: SEED, numRuns: Math.max(1, Math.round(count * FACTOR)) };
}

/** One small damage to a piece of bytes. `at` is taken modulo the length. */
export type Mutation =
  | { readonly kind: 'replace' | 'insert'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'delete'; readonly at: number; readonly length: number }
  | { readonly kind: 'truncate'; readonly at: number };

/** No digits: a mutated number must not become a longer time to wait. */
const DAMAGE = fc.oneof(
  fc
    .constantFrom(
      '\r\n',
      '\n',
      '\r',
      '\r\n\r\n',
      '\0',
      ' ',
      '\t',
      ':',
      ',',
      ';',
      '{',
      '[',
      ']',
      '"',
      '\\',
      '\\ud800',
    )
    .map((text) => new Uint8Array(Buffer.from(text))),
  fc
    .uint8Array({ minLength: 1, maxLength: 4 })
    .map((bytes) => bytes.filter((byte) => byte < 0x30 || byte > 0x39)),
);

export const mutations: fc.Arbitrary<Mutation[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constantFrom('replace' as const, 'insert' as const), at: fc.nat(), bytes: DAMAGE }),
    fc.record({
      kind: fc.constant('delete' as const),
      at: fc.nat(),
      length: fc.integer({ min: 1, max: 20 }),
    }),
    fc.record({ kind: fc.constant('truncate' as const), at: fc.nat() }),
  ),
  { minLength: 1, maxLength: 3 },
);

export function mutate(bytes: Buffer, damage: readonly Mutation[]): Buffer {
  return damage.reduce(mutateOnce, bytes);
}

function mutateOnce(bytes: Buffer, mutation: Mutation): Buffer {
  const at = bytes.length === 0 ? 0 : mutation.at % bytes.length;
  switch (mutation.kind) {
    case 'replace': {
      const rest = bytes.subarray(Math.min(bytes.length, at + mutation.bytes.length));
      return Buffer.concat([bytes.subarray(0, at), mutation.bytes, rest]);
    }
    case 'insert':
      return Buffer.concat([bytes.subarray(0, at), mutation.bytes, bytes.subarray(at)]);
    case 'delete':
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + mutation.length)]);
    case 'truncate':
      return bytes.subarray(0, at);
  }
}

/** Where bytes are cut, whatever their length turns out to be. */
export const cuts: fc.Arbitrary<number[]> = fc.array(fc.nat(), { maxLength: 8 });

/** The bytes in pieces; one with fewer bytes than cuts has empty pieces. */
export function cutAt(bytes: Buffer, positions: readonly number[]): Buffer[] {
  const sorted = positions.map((position) => position % (bytes.length + 1)).toSorted((a, b) => a - b);
  return [...sorted, bytes.length].map((end, index) => bytes.subarray(sorted[index - 1] ?? 0, end));
}

/** The bytes one by one: the most pieces there can be. */
export function cutEverywhere(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (byte) => Buffer.from([byte]));
}
