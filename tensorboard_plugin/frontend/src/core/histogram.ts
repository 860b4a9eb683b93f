/** Histograms of gradients in signed logarithmic bins. */

/** Stands for a run of bins that are empty at every step. */
export const GAP = -1;
const LONG = 3;

/** Return the bins to draw in order: long runs that are never used become one `GAP`, outer ones none. */
export function usedBins(histograms: ArrayLike<number>[]): number[] {
  const count = Math.max(0, ...histograms.map(({ length }) => length));
  const used = Array.from({ length: count }, (_, bin) =>
    histograms.some((histogram) => histogram[bin] > 0),
  );
  const first = used.indexOf(true);
  const last = used.lastIndexOf(true);
  if (first < 0) return [];
  const bins: number[] = [];
  for (let bin = first; bin <= last; bin++) {
    const next = used.indexOf(true, bin);
    if (next - bin >= LONG) {
      bins.push(GAP);
      bin = next;
    }
    bins.push(bin);
  }
  return bins;
}

/** Return each bin's share of the total. */
export function shares(counts: ArrayLike<number>): Float32Array {
  let total = 0;
  for (let i = 0; i < counts.length; i++) total += counts[i];
  return Float32Array.from(counts, (count) => (total ? count / total : 0));
}

/** Return the shares of the bins to draw; a gap has none. */
export function drawnShares(counts: ArrayLike<number> | undefined, bins: number[]): Float32Array {
  const share = shares(counts ?? []);
  return Float32Array.from(bins, (bin) => share[bin] ?? 0);
}

export interface HeatMap {
  height: number;
  width: number;
  /** Square roots of shares; NaN where there is no histogram. */
  values: Float32Array;
  /** 1 where there is nothing to draw. */
  blank: Uint8Array;
  /** Neighbouring columns without a histogram: where they begin, and how many. */
  gaps: { from: number; count: number }[];
}

/** Return a `(bins, steps)` picture with the largest bin on top. */
export function heatMap(histograms: (ArrayLike<number> | undefined)[], bins: number[]): HeatMap {
  const height = bins.length;
  const width = histograms.length;
  const values = new Float32Array(height * width).fill(Number.NaN);
  histograms.forEach((histogram, x) => {
    if (!histogram) return;
    drawnShares(histogram, bins).forEach((share, y) => {
      values[(height - 1 - y) * width + x] = Math.sqrt(share);
    });
  });
  const blank = Uint8Array.from(values, (value) => (value > 0 ? 0 : 1));
  return { height, width, values, blank, gaps: gapsOf(histograms) };
}

function gapsOf(histograms: (ArrayLike<number> | undefined)[]): HeatMap["gaps"] {
  const gaps: HeatMap["gaps"] = [];
  histograms.forEach((histogram, at) => {
    if (histogram) return;
    const last = gaps.at(-1);
    if (last && last.from + last.count === at) last.count++;
    else gaps.push({ from: at, count: 1 });
  });
  return gaps;
}

export interface Mark {
  /** Middle of the bin, in bins from the first one drawn. */
  at: number;
  text: string;
}

/** Choose some bins to print; zero's is among them where it is drawn. */
export function binMarks(
  edges: number[],
  bins: number[],
  print: (value: number) => string,
  most = 7,
): Mark[] {
  const every = Math.max(1, Math.ceil(bins.length / most));
  const zero = edges.findIndex((edge, i) => edge < 0 && edges[i + 1] > 0);
  const origin = Math.max(0, bins.indexOf(zero));
  return bins.flatMap((bin, i) => {
    const isZero = bin === zero;
    const broken = [bins[i - 1], bins[i + 1]].includes(GAP);
    // The axis is broken around zero in most runs: one mark says both.
    if (isZero) return [{ at: i + 0.5, text: broken ? "… 0 …" : "0" }];
    if (bin === GAP) {
      const atZero = bins[i - 1] === zero || bins[i + 1] === zero;
      return atZero ? [] : [{ at: i + 0.5, text: "…" }];
    }
    if ((i - origin) % every !== 0 || (every > 2 && broken)) return [];
    return [{ at: i + 0.5, text: print(middle(edges[bin], edges[bin + 1])) }];
  });
}

/** The geometric middle of a bin; the finite end of an open one. */
function middle(low: number, high: number): number {
  if (!Number.isFinite(low)) return high;
  if (!Number.isFinite(high)) return low;
  const sign = low + high < 0 ? -1 : 1;
  return low * high > 0 ? sign * Math.sqrt(low * high) : (low + high) / 2;
}
