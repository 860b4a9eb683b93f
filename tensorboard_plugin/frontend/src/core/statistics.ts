/** Order statistics of short series, and what stands out of them. */

export function finite(values: ArrayLike<number>): Float64Array {
  const kept = new Float64Array(values.length);
  let count = 0;
  for (let i = 0; i < values.length; i++) if (Number.isFinite(values[i])) kept[count++] = values[i];
  return kept.subarray(0, count);
}

/** Return the `share` quantile with linear interpolation, as `numpy.quantile` does. */
export function quantile(values: ArrayLike<number>, share: number): number {
  return quantileOf(finite(values).sort(), share);
}

function quantileOf(sorted: Float64Array, share: number): number {
  if (sorted.length === 0) return Number.NaN;
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (at - below);
}

export function median(values: ArrayLike<number>): number {
  return quantile(values, 0.5);
}

export function extent(values: ArrayLike<number>): [number, number] {
  let lo = Number.POSITIVE_INFINITY;
  let hi = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]; // one that is not a number is neither smaller nor larger
    if (value < lo && value !== Number.NEGATIVE_INFINITY) lo = value;
    if (value > hi && value !== Number.POSITIVE_INFINITY) hi = value;
  }
  return lo <= hi ? [lo, hi] : [0, 0];
}

/** Return the median over rows at every step of a `(steps, rows)` table. */
export function medianOverRows(table: ArrayLike<number>, rows: number): Float32Array {
  const steps = rows ? table.length / rows : 0;
  const medians = new Float32Array(steps);
  const row = new Float64Array(rows);
  for (let s = 0; s < steps; s++) {
    let count = 0;
    for (let at = s * rows; at < (s + 1) * rows; at++)
      if (Number.isFinite(table[at])) row[count++] = table[at];
    medians[s] = quantileOf(row.subarray(0, count).sort(), 0.5);
  }
  return medians;
}

/** Return the sum over steps of every row of a `(steps, rows)` table: the length of the path. */
export function totalOverSteps(table: ArrayLike<number>, rows: number): Float64Array {
  const totals = new Float64Array(rows);
  for (let i = 0; i < table.length; i++)
    if (Number.isFinite(table[i])) totals[i % rows] += table[i];
  return totals;
}

/**
 * Return the indices at which a series jumps: peaks above median + 5 MAD, and
 * above `least`, so that a series that hardly moves has no jumps.
 */
export function jumpsOf(values: ArrayLike<number>, least = 0.05): number[] {
  const centre = median(values);
  const spread = median(finite(values).map((value) => Math.abs(value - centre)));
  const limit = Math.max(centre + 5 * spread, least);
  const result: number[] = [];
  const isAbove = (i: number, other: number) => !(values[other] >= values[i]);
  for (let i = 0; i < values.length; i++)
    if (
      values[i] > limit &&
      isAbove(i, i - 1) &&
      (isAbove(i, i + 1) || values[i + 1] === values[i])
    )
      result.push(i);
  return result;
}

/** Rows that are looked at, at most, to find the steps at which many jump. */
const MOST_ROWS = 512;

/** Return, for every step of a `(steps, rows)` table, how many rows jump there. */
export function jumpCounts(table: ArrayLike<number>, rows: number): Uint16Array {
  const steps = rows ? Math.floor(table.length / rows) : 0;
  const counts = new Uint16Array(steps);
  for (let row = 0; row < Math.min(rows, MOST_ROWS); row++) {
    const series = Float32Array.from({ length: steps }, (_, s) => table[s * rows + row]);
    for (const at of jumpsOf(series)) counts[at]++;
  }
  return counts;
}

/** Return the steps at which a tenth of the rows, and more than one, jump. */
export function commonJumps(counts: ArrayLike<number>, rows: number): number[] {
  const least = Math.max(Math.min(2, rows), Math.min(rows, MOST_ROWS) / 10);
  return Array.from(counts, (_, at) => at).filter((at) => counts[at] >= least && counts[at] > 0);
}
