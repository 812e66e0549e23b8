/** Words quoted in a message are cut here, so that a slip in a huge file stays readable. */
const MAX_QUOTED = 60;

/** The allowed word that was probably meant: the smallest edit distance, if small enough, or the same beginning. */
export function nearest(word: string, allowed: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of allowed) {
    const longest = Math.max(word.length, candidate.length);
    // Twice the length can never be near; it also bounds the work on absurdly long words.
    if (word.length > 2 * candidate.length + 2) continue;
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    const isSlip = distance <= Math.max(1, Math.floor(longest / 3)) && distance < longest;
    if (isSlip && distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best ?? allowed.find((candidate) => word.length >= 3 && candidate.startsWith(word));
}

/** `unknown key 'foo': did you mean 'for'? Allowed: for, with` */
export function unknownWord(noun: string, word: string, allowed: readonly string[]): string {
  const near = nearest(word, allowed);
  const hint = near === undefined ? '.' : `: did you mean '${near}'?`;
  return `unknown ${noun} ${quote(word)}${hint} Allowed: ${allowed.join(', ')}`;
}

/** The word in quotes, cut to a readable length, without characters that could steer a terminal. */
export function quote(word: string): string {
  const cut = word.length > MAX_QUOTED ? `${word.slice(0, MAX_QUOTED)}…` : word;
  return `'${printable(cut)}'`;
}

/** The text with control characters made harmless; every character keeps its column. */
export function printable(text: string): string {
  return text.replace(/\t/g, ' ').replace(/\p{Cc}/gu, '·');
}

/** Edits (insert, remove, replace, swap neighbours) that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped =
        a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
          ? (beforeLast[j - 2] ?? i) + 1
          : Number.POSITIVE_INFINITY;
      row.push(Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, replaced, swapped));
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
