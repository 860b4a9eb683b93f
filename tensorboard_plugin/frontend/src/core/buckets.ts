/** Histograms of TensorBoard: each step has buckets of its own, which one picture needs in common. */

import type { Bundle } from "./wire";

/** Left, right, count, again and again. */
export type Buckets = Float32Array;

/** Bins where the buckets of the steps do not fit together. */
export const EVEN_BINS = 60;

/** By step, its buckets; damaged ones are undefined. */
export function bucketsByStep({ arrays, header }: Bundle): Map<number, Buckets | undefined> {
  const all = (arrays.get("buckets")?.values ?? new Float32Array()) as Float32Array;
  const counts = arrays.get("counts")?.values ?? [];
  let from = 0;
  return new Map(
    (header.steps as number[]).map((step, i) => {
      if (counts[i] < 0) return [step, undefined];
      const start = from;
      from += 3 * counts[i];
      return [step, all.subarray(start, from)];
    }),
  );
}

/**
 * Edges that all histograms are counted between: their own where all buckets lie between the same
 * ones, so that every count stays what it is, and otherwise even ones from the least to the largest.
 */
export function commonEdges(histograms: Buckets[]): number[] {
  const edges = new Set<number>();
  let [low, high] = [Infinity, -Infinity];
  eachBucket(histograms, (left, right) => {
    edges.add(left).add(right);
    for (const edge of [left, right].filter(Number.isFinite)) {
      low = Math.min(low, edge);
      high = Math.max(high, edge);
    }
  });
  const sorted = [...edges].sort((a, b) => a - b);
  let fits = sorted.length > 1;
  eachBucket(histograms, (left, right) => {
    fits &&= sorted[placeBelow(sorted, left) + 1] === right;
  });
  if (fits) return sorted;
  if (!(low <= high)) return [];
  if (low === high) [low, high] = [low - 0.5, high + 0.5];
  return [
    ...(sorted[0] === -Infinity ? [-Infinity] : []),
    ...Array.from({ length: EVEN_BINS + 1 }, (_, i) => low + ((high - low) * i) / EVEN_BINS),
    ...(sorted.at(-1) === Infinity ? [Infinity] : []),
  ];
}

/** Counts between the edges; a bucket that lies in several bins is shared out by its length. */
export function countsBetween(buckets: Buckets, edges: number[]): Float32Array {
  const counts = new Float32Array(Math.max(0, edges.length - 1));
  eachBucket([buckets], (left, right, count) => {
    const first = Math.min(placeBelow(edges, left), counts.length - 1);
    const isPoint = !(right > left) || edges[first + 1] >= right || !Number.isFinite(right - left);
    if (isPoint) {
      counts[Number.isFinite(left) ? first : Math.max(0, placeBelow(edges, right) - 1)] += count;
      return;
    }
    for (let bin = first; bin < counts.length && edges[bin] < right; bin++) {
      const inside = Math.min(right, edges[bin + 1]) - Math.max(left, edges[bin]);
      counts[bin] += (count * inside) / (right - left);
    }
  });
  return counts;
}

/** Empty buckets, which TensorBoard pads with, say nothing. */
function eachBucket(
  histograms: Buckets[],
  tell: (left: number, right: number, count: number) => void,
) {
  for (const buckets of histograms)
    for (let i = 0; i < buckets.length; i += 3)
      if (buckets[i + 2] > 0) tell(buckets[i], buckets[i + 1], buckets[i + 2]);
}

/** Place of the last edge that is not above `value`. */
function placeBelow(edges: number[], value: number): number {
  let [low, high] = [0, edges.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (edges[middle] <= value) low = middle;
    else high = middle;
  }
  return low;
}
