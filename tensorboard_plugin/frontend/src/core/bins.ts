/** Axis marks of logarithmic bins. */

import { digits } from "./format";

export interface Mark {
  /** Position in bins from the first one shown; edges lie between bins. */
  at: number;
  text: string;
}

/** Choose about `most` edges to print, zero's bin among them where it is in sight. */
export function binMarks(edges: number[], start: number, end: number, most = 7): Mark[] {
  if (edges.length === 0 || end <= start) return [];
  const marks: Mark[] = [];
  const every = Math.max(1, Math.ceil((end - start) / most));
  const zero = edges.findIndex((edge, i) => edge < 0 && edges[i + 1] > 0);
  const origin = zero >= start && zero < end ? zero : start;
  for (let bin = start; bin < end; bin++) {
    if ((bin - origin) % every !== 0) continue;
    if (bin === zero) marks.push({ at: bin - start + 0.5, text: "0" });
    else marks.push({ at: bin - start + 0.5, text: digits(middle(edges[bin], edges[bin + 1]), 1) });
  }
  return marks;
}

function middle(low: number, high: number): number {
  if (!Number.isFinite(low)) return high;
  if (!Number.isFinite(high)) return low;
  const sign = low + high < 0 ? -1 : 1;
  return low * high > 0 ? sign * Math.sqrt(low * high) : (low + high) / 2;
}
