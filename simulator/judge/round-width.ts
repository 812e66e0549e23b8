/** The next coarser of the widths 1, 2, 10, 20, 100, … : each holds the one before a whole number of times. */
export function coarser(width: number): number {
  return String(width).startsWith('1') ? width * 2 : width * 5;
}
