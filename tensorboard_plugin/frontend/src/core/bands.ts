/**
 * Quantiles of histograms: which bin each of them lies in.
 *
 * The values are gone, their bins are not. That a quantile lies in this bin is exact; where in it
 * is not known, and is not told.
 */

export const QUANTILES = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99] as const;

/** The first bin at which at least the share of all counts is reached; -1 without any count. */
export function quantileBin(counts: ArrayLike<number>, share: number): number {
  let total = 0;
  for (let i = 0; i < counts.length; i++) total += counts[i];
  if (!(total > 0)) return -1;
  let sum = 0;
  for (let bin = 0; bin < counts.length; bin++) {
    sum += counts[bin];
    if (sum >= share * total) return bin;
  }
  return -1;
}

export function quantileBins(counts: ArrayLike<number>): number[] {
  return QUANTILES.map((share) => quantileBin(counts, share));
}

/** Histograms at steps. */
export type Histograms = (ArrayLike<number> | undefined)[];

/** Where the last four fifths of so many steps begin: they say what is normal. */
export function recentFrom(count: number): number {
  return count - Math.ceil((count * 4) / 5);
}

const SPARED = 0.002;

/** The bins from the lowest to the highest that the recent steps need, a few outliers spared. */
export function recentBins(histograms: Histograms): [first: number, last: number] | undefined {
  const recent = histograms.slice(recentFrom(histograms.length));
  const of = (share: number) =>
    recent.flatMap((counts) => {
      const bin = counts ? quantileBin(counts, share) : -1;
      return bin < 0 ? [] : [bin];
    });
  const low = of(SPARED);
  const high = of(1 - SPARED);
  return low.length ? [Math.min(...low), Math.max(...high)] : undefined;
}

/** The share of all counts that lies outside of the bins from `first` to `last`. */
export function shareOutside(histograms: Histograms, first: number, last: number): number {
  let outside = 0;
  let total = 0;
  for (const counts of histograms)
    for (let bin = 0; bin < (counts?.length ?? 0); bin++) {
      const count = counts?.[bin] ?? 0;
      total += count;
      if (bin < first || bin > last) outside += count;
    }
  return total ? outside / total : 0;
}

/** The part of an axis' bins (`GAP`s among them) that lies from `first` to `last`. */
export function binsWithin(bins: number[], first: number, last: number): number[] {
  const from = bins.findIndex((bin) => bin >= first);
  const to = bins.findLastIndex((bin) => bin >= 0 && bin <= last);
  return from < 0 || to < from ? bins : bins.slice(from, to + 1);
}

/** Where each bin stands among those drawn; one in a gap, or outside, at the nearest that is. */
export function placeAmong(bins: number[], bin: number): number {
  const exact = bins.indexOf(bin);
  if (exact >= 0) return exact;
  const above = bins.findIndex((each) => each > bin);
  return above < 0 ? bins.length - 1 : above;
}

/**
 * The area between two quantiles over the steps as an SVG path, a column a step, in a box of
 * `steps` x `bins` with the largest bin on top. It covers both bins wholly.
 */
export function bandPath(
  quantiles: (number[] | undefined)[],
  low: number,
  high: number,
  bins: number[],
): string {
  let path = "";
  quantiles.forEach((each, x) => {
    if (!each || each[low] < 0) return;
    const top = bins.length - 1 - placeAmong(bins, each[high]);
    const bottom = bins.length - placeAmong(bins, each[low]);
    path += `M${x} ${top}H${x + 1}V${bottom}H${x}Z`;
  });
  return path;
}
