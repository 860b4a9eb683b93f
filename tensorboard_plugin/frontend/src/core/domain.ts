/** Which numbers the two ends of the colour scale stand for. */

import type { Columns } from "./columns";
import type { Domain } from "./paint";

export const SCALES = ["time", "page", "map"] as const;
export const RANGES = ["p1", "minmax"] as const;
export type Scale = (typeof SCALES)[number];
export type Range = (typeof RANGES)[number];

export interface DomainQuestion {
  columns: Columns;
  signed: boolean;
  scale: Scale;
  range: Range;
  row: number;
  step: number;
}

/**
 * "time": this row over all steps, so that motion is real. "page": all rows
 * over all steps, so that examples compare too. "map": this row at this step.
 */
export function domainOf({ columns, signed, scale, range, row, step }: DomainQuestion): Domain {
  // Until the other range is here, the one that is here.
  const [first, second] = range === "p1" ? ["p1", "min"] : ["min", "p1"];
  const low = columns.stats.get(first) ?? columns.stats.get(second);
  const [last, spare] = range === "p1" ? ["p99", "max"] : ["max", "p99"];
  const high = columns.stats.get(last) ?? columns.stats.get(spare);
  let lo = Number.POSITIVE_INFINITY;
  let hi = Number.NEGATIVE_INFINITY;
  if (low && high)
    for (let s = 0; s < columns.steps.length; s++) {
      if (scale === "map" && columns.steps[s] !== step) continue;
      for (let r = 0; r < columns.rows; r++) {
        if (scale !== "page" && r !== row) continue;
        const at = s * columns.rows + r;
        if (low[at] < lo) lo = low[at];
        if (high[at] > hi) hi = high[at];
      }
    }
  // Nothing finite: any scale will do, the map is magenta.
  return lo <= hi ? fitted(lo, hi, signed) : { lo: signed ? -1 : 0, hi: 1 };
}

/** Signed numbers get a scale that is symmetric about zero. */
export function fitted(lo: number, hi: number, signed: boolean): Domain {
  if (!signed) return { lo, hi };
  const q = Math.max(Math.abs(lo), Math.abs(hi));
  return { lo: -q, hi: q };
}

export interface Clipped {
  below: number;
  above: number;
}

/** Return the shares of the values that lie outside of the scale. */
export function clippedShares(maps: Iterable<[ArrayLike<number>, Domain]>): Clipped {
  let below = 0;
  let above = 0;
  let total = 0;
  for (const [values, { lo, hi }] of maps)
    for (let i = 0; i < values.length; i++) {
      if (!Number.isFinite(values[i])) continue;
      total++;
      if (values[i] < lo) below++;
      else if (values[i] > hi) above++;
    }
  return total ? { below: below / total, above: above / total } : { below: 0, above: 0 };
}
