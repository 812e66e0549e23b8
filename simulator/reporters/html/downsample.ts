export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * Points in pixels, at most four for each column: the first, the lowest, the highest and the last. No peak is lost,
 * and the line looks as if all were drawn. `points` come in the order of x.
 */
export function perColumn(points: readonly Point[]): Point[] {
  const kept: Point[] = [];
  let column: Point[] = [];
  for (const point of points) {
    const [first] = column;
    if (first !== undefined && Math.floor(first.x) !== Math.floor(point.x)) {
      kept.push(...extremes(column));
      column = [];
    }
    column.push(point);
  }
  return [...kept, ...extremes(column)];
}

function extremes(column: readonly Point[]): Point[] {
  if (column.length <= 4) return [...column];
  const [first] = column;
  const last = column.at(-1);
  if (!first || !last) return [];
  const lowest = column.reduce((a, b) => (b.y < a.y ? b : a));
  const highest = column.reduce((a, b) => (b.y > a.y ? b : a));
  const kept = new Set([first, lowest, highest, last]);
  return column.filter((point) => kept.has(point));
}
