/** Which numbers the two ends of the colour scale stand for. */

import type { Columns } from "./columns";
import type { Domain } from "./paint";

export const SCALES = ["time", "page", "map", "fixed"] as const;
export const RANGES = ["minmax", "p1", "p5"] as const;
export type Scale = (typeof SCALES)[number];
export type Range = (typeof RANGES)[number];

/** The statistics of a row that a range lies between. */
const ENDS: Record<Range, readonly [low: string, high: string]> = {
  minmax: ["min", "max"],
  p1: ["p1", "p99"],
  p5: ["p5", "p95"],
};

/** Names of the statistics that a range needs, as the route of columns takes them. */
export function statsOf(range: Range): string {
  return ENDS[range].join();
}

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
  // Until the chosen range is here, one that is.
  const [first, last] =
    [ENDS[range], ...Object.values(ENDS)].find(([name]) => columns.stats.has(name)) ?? ENDS[range];
  const low = columns.stats.get(first);
  const high = columns.stats.get(last);
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

/** The ends that were typed in, where they make a scale. */
export function fixedDomain(lo: number, hi: number, signed: boolean): Domain | undefined {
  const domain = signed ? { lo: -hi, hi } : { lo, hi };
  return domain.hi > domain.lo ? domain : undefined;
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
