/** Two maps of one probe, compared. */

import type { Range } from "./domain";
import { type Domain, isFlat } from "./paint";
import { quantile } from "./statistics";

/** Return B - A, rounded once to float32 as NumPy does. */
export function signedDifference(a: Float32Array, b: Float32Array): Float32Array {
  return Float32Array.from(b, (value, i) => value - a[i]);
}

export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let dot = 0;
  let normA = 0;
  let normB = 0;
  for (let i = 0; i < a.length; i++) {
    dot += a[i] * b[i];
    normA += a[i] * a[i];
    normB += b[i] * b[i];
  }
  return dot / (Math.sqrt(normA) * Math.sqrt(normB));
}

/** Return ranks from 1, ties sharing their mean. */
export function ranks(values: ArrayLike<number>): Float64Array {
  const order = Array.from({ length: values.length }, (_, i) => i).sort(
    (i, j) => values[i] - values[j],
  );
  const result = new Float64Array(values.length);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end]] === values[order[start]]) end++;
    for (let i = start; i < end; i++) result[order[i]] = (start + end + 1) / 2;
    start = end;
  }
  return result;
}

/** Spearman's rank correlation: Pearson's of the ranks. */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const centred = (values: Float64Array) => values.map((value) => value - (values.length + 1) / 2);
  return cosine(centred(ranks(a)), centred(ranks(b)));
}

/** Return intersection over union of the tenth of the pixels with the largest magnitude. */
export function topOverlap(a: ArrayLike<number>, b: ArrayLike<number>, share = 0.1): number {
  const count = Math.max(1, Math.round(a.length * share));
  const top = (values: ArrayLike<number>) =>
    new Set(
      Array.from({ length: values.length }, (_, i) => i)
        .sort((i, j) => Math.abs(values[j]) - Math.abs(values[i]) || i - j)
        .slice(0, count),
    );
  const inA = top(a);
  const both = [...top(b)].filter((i) => inA.has(i)).length;
  return both / (2 * count - both);
}

const REACH: Record<Range, number> = { minmax: 1, p1: 0.99, p5: 0.95 };

/** The symmetric scale of a difference: its largest magnitude, or a percentile of it. */
export function differenceDomain(delta: Float32Array, range: Range): Domain {
  const size = delta.map(Math.abs);
  const domainOf = (q: number) => ({ lo: -q, hi: q });
  const robust = domainOf(quantile(size, REACH[range]));
  return isFlat(robust) ? domainOf(quantile(size, 1)) : robust;
}
