/** Histograms of gradients in signed logarithmic bins. */

export interface BinRange {
  start: number;
  end: number;
}

/** Return the bins that are ever used, with one empty bin on each side. */
export function usedBins(histograms: ArrayLike<number>[]): BinRange {
  let start = Number.POSITIVE_INFINITY;
  let end = -1;
  let count = 0;
  for (const histogram of histograms) {
    count = Math.max(count, histogram.length);
    for (let bin = 0; bin < histogram.length; bin++)
      if (histogram[bin] > 0) {
        start = Math.min(start, bin);
        end = Math.max(end, bin);
      }
  }
  if (end < 0) return { start: 0, end: count };
  return { start: Math.max(0, start - 1), end: Math.min(count, end + 2) };
}

/** Return each bin's share of the total. */
export function shares(counts: ArrayLike<number>): Float32Array {
  let total = 0;
  for (let i = 0; i < counts.length; i++) total += counts[i];
  return Float32Array.from(counts, (count) => (total ? count / total : 0));
}

/** Return a `(bins, steps)` picture, the largest bin on top; steps without counts are NaN. */
export function heatMap(histograms: (ArrayLike<number> | undefined)[], { start, end }: BinRange) {
  const height = end - start;
  const width = histograms.length;
  const values = new Float32Array(height * width).fill(Number.NaN);
  histograms.forEach((histogram, x) => {
    if (!histogram) return;
    const share = shares(histogram);
    for (let bin = start; bin < end; bin++)
      values[(end - 1 - bin) * width + x] = Math.sqrt(share[bin]);
  });
  return { height, width, values };
}
