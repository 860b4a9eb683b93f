/** Return at most `most` of `count` indices, evenly spread, the first and the last among them. */
export function evenly(count: number, most: number): number[] {
  if (count <= most) return Array.from({ length: count }, (_, i) => i);
  return Array.from({ length: most }, (_, i) => Math.round((i * (count - 1)) / (most - 1)));
}

/** About how many steps a table of a long run shows. */
export const TABLE_ROWS = 40;

/** The same, and `index` among them where it is one. */
export function evenlyWith(count: number, most: number, index: number): number[] {
  const found = new Set(evenly(count, most));
  if (index >= 0 && index < count) found.add(index);
  return [...found].sort((a, b) => a - b);
}

/** Return the place in `sample` of the last entry that is not after `index`. */
export function placeOf(sample: number[], index: number): number {
  return Math.max(
    0,
    sample.findLastIndex((each) => each <= index),
  );
}
