/** A stream of pseudo-random numbers. The same seed and stream name give the same numbers on every machine. */
export interface Random {
  /** Uniform in [0, 1), 32 bits. */
  next(): number;
  /** Uniform in [min, max). */
  uniform(min: number, max: number): number;
  /** A whole number, uniform in [min, max], both included. */
  integer(min: number, max: number): number;
}

/**
 * A stream of its own for each `(seed, …stream)`, for example `createRandom(seed, workload, vu)`: one more
 * client then shifts nobody else's numbers.
 */
export function createRandom(seed: number, ...stream: readonly (string | number)[]): Random {
  const next = sfc32(JSON.stringify([seed, ...stream]));
  return {
    next,
    uniform: (min, max) => min + next() * (max - min),
    integer: (min, max) => min + Math.floor(next() * (max - min + 1)),
  };
}

/** sfc32 (Chris Doty-Humphrey, PractRand): 128 bits of state, passes BigCrush. */
function sfc32(name: string): () => number {
  const word = splitmix32(fnv1a(name));
  // Two independent hashes and two words drawn from one of them: names that collide in 32 bits still differ.
  let [a, b, c, counter] = [word(), fnv1a(`${name}#`), word(), 1];
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  // Fifteen rounds are enough to mix a poor seed through the whole state.
  for (let round = 0; round < 15; round += 1) next();
  return next;
}

/** Spreads one 32-bit number into many (Steele, Lea and Flood's SplitMix, in its 32-bit form). */
function splitmix32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return mixed ^ (mixed >>> 15);
  };
}

/** FNV-1a over UTF-16 units, 32 bits. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash;
}
