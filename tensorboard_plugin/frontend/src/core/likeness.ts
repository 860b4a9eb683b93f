/** How alike two maps of one shape are, in a few figures that each mean something else. */

import { cosine, spearman, topOverlap } from "./diff";
import { extent } from "./statistics";

export interface Likeness {
  name: string;
  value: number;
  unit?: string;
  /** What it means, in one line. */
  says: string;
}

const allFinite = (values: ArrayLike<number>) =>
  Array.prototype.every.call(values, Number.isFinite);

/** Side of the windows over which structure is compared, as Wang et al. 2004 have it. */
const WINDOW = 7;

/** Sums over all windows of `side`² that lie inside, row by row. */
function windowSums(
  values: Float64Array,
  height: number,
  width: number,
  side: number,
): Float64Array {
  const across = new Float64Array(height * (width - side + 1));
  const columns = width - side + 1;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < columns; x++)
      for (let i = 0; i < side; i++) across[y * columns + x] += values[y * width + x + i];
  const rows = height - side + 1;
  const sums = new Float64Array(rows * columns);
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++)
      for (let i = 0; i < side; i++) sums[y * columns + x] += across[(y + i) * columns + x];
  return sums;
}

/**
 * Structural similarity, as `skimage.metrics.structural_similarity` has it by default, on the
 * range that both maps span. NaN where a map is too small for a window, or does not vary at all.
 */
export function ssim(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  height: number,
  width: number,
): number {
  const smallest = Math.min(height, width);
  const side = Math.min(WINDOW, smallest - 1 + (smallest % 2));
  const [loA, hiA] = extent(a);
  const [loB, hiB] = extent(b);
  const span = Math.max(hiA, hiB) - Math.min(loA, loB);
  if (side < 3 || !(span > 0) || !allFinite(a) || !allFinite(b)) return Number.NaN;
  const count = side * side;
  const sums = (of: (i: number) => number) =>
    windowSums(
      Float64Array.from({ length: a.length }, (_, i) => of(i)),
      height,
      width,
      side,
    );
  const [sumA, sumB] = [sums((i) => a[i]), sums((i) => b[i])];
  const [squaresA, squaresB] = [sums((i) => a[i] * a[i]), sums((i) => b[i] * b[i])];
  const products = sums((i) => a[i] * b[i]);
  const [c1, c2] = [(0.01 * span) ** 2, (0.03 * span) ** 2];
  let total = 0;
  for (let i = 0; i < sumA.length; i++) {
    const [meanA, meanB] = [sumA[i] / count, sumB[i] / count];
    const unbiased = count / (count - 1);
    const varianceA = unbiased * (squaresA[i] / count - meanA * meanA);
    const varianceB = unbiased * (squaresB[i] / count - meanB * meanB);
    const covariance = unbiased * (products[i] / count - meanA * meanB);
    total +=
      ((2 * meanA * meanB + c1) * (2 * covariance + c2)) /
      ((meanA * meanA + meanB * meanB + c1) * (varianceA + varianceB + c2));
  }
  return total / sumA.length;
}

/** Centre of the magnitudes, in cells from the middle of the first. */
export function centreOf(values: ArrayLike<number>, width: number): { y: number; x: number } {
  let [mass, y, x] = [0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]);
    mass += size;
    y += size * Math.floor(i / width);
    x += size * (i % width);
  }
  return { y: y / mass, x: x / mass };
}

/** How far the centre of the magnitudes moves from A to B, in cells. */
export function centreShift(a: ArrayLike<number>, b: ArrayLike<number>, width: number): number {
  const [from, to] = [centreOf(a, width), centreOf(b, width)];
  return Math.hypot(to.y - from.y, to.x - from.x);
}

export function likenessOf(
  a: Float32Array,
  b: Float32Array,
  height: number,
  width: number,
): Likeness[] {
  const isWhole = allFinite(a) && allFinite(b);
  const figures: Likeness[] = [
    {
      name: "cosine",
      value: cosine(a, b),
      says: "1: the same direction, 0: nothing in common, −1: the opposite",
    },
    {
      name: "Spearman",
      value: spearman(a, b),
      says: "correlation of the ranks: 1 if A and B put all places in the same order",
    },
    {
      name: "top 10 %",
      value: topOverlap(a, b),
      says: "overlap (intersection over union) of the tenth of the places with the largest magnitude",
    },
    {
      name: "SSIM",
      value: ssim(a, b, height, width),
      says: "structural similarity: 1 if level, contrast and pattern agree in every small window",
    },
    {
      name: "centre shift",
      value: centreShift(a, b, width),
      unit: "cells",
      says: "how far the centre of the magnitudes moved from A to B",
    },
  ];
  return figures
    .filter(({ name }) => name !== "SSIM" || height > 1)
    .map((figure) => (isWhole ? figure : { ...figure, value: Number.NaN }));
}
