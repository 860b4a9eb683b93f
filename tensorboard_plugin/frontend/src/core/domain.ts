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
  const { rows } = columns;
  // Until the chosen range is here, one that is.
  const isHere = ([name]: (typeof ENDS)[Range]) => columns.stats.has(name);
  const [first, last] = isHere(ENDS[range])
    ? ENDS[range]
    : (Object.values(ENDS).find(isHere) ?? ENDS[range]);
  const lows = columns.stats.get(first) ?? [];
  const highs = columns.stats.get(last) ?? [];
  let span: Span;
  if (scale === "map") {
    const at = columns.steps.indexOf(step) * rows + row;
    span = widened(NOTHING, lows[at], highs[at]);
  } else {
    const spans = spansOfRows(columns, lows, highs);
    span = scale === "time" ? (spans[row] ?? NOTHING) : spans.reduce(union, NOTHING);
  }
  // Nothing finite: any scale will do, the map is magenta.
  return span.lo <= span.hi ? fitted(span.lo, span.hi, signed) : { lo: signed ? -1 : 0, hi: 1 };
}

type Span = Readonly<Domain>;
const NOTHING: Span = { lo: Number.POSITIVE_INFINITY, hi: Number.NEGATIVE_INFINITY };

/** What is not a number widens nothing. */
function widened(span: Span, low: number, high: number): Span {
  return { lo: low < span.lo ? low : span.lo, hi: high > span.hi ? high : span.hi };
}

const union = (a: Span, b: Span) => widened(a, b.lo, b.hi);

/** By columns and the first of their ends: a long run has a million, and every map asks. */
const known = new WeakMap<Columns, Map<ArrayLike<number>, Span[]>>();

function spansOfRows(columns: Columns, lows: ArrayLike<number>, highs: ArrayLike<number>): Span[] {
  const ofColumns = known.get(columns) ?? new Map<ArrayLike<number>, Span[]>();
  known.set(columns, ofColumns);
  let spans = ofColumns.get(lows);
  if (!spans) {
    const { rows, steps } = columns;
    const lo = new Float64Array(rows).fill(NOTHING.lo);
    const hi = new Float64Array(rows).fill(NOTHING.hi);
    for (let at = 0; at < steps.length * rows; at++) {
      const row = at % rows;
      if (lows[at] < lo[row]) lo[row] = lows[at];
      if (highs[at] > hi[row]) hi[row] = highs[at];
    }
    spans = Array.from(lo, (low, row) => ({ lo: low, hi: hi[row] }));
    ofColumns.set(lows, spans);
  }
  return spans;
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
