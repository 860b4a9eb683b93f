/** A rectangle drawn over a scatter plot, in the units of its axes. */

export interface Brush {
  x: [lo: number, hi: number];
  y: [lo: number, hi: number];
}

export function brushed(brush: Brush | null, x: number, y: number): boolean {
  if (!brush) return true;
  return x >= brush.x[0] && x <= brush.x[1] && y >= brush.y[0] && y <= brush.y[1];
}

/** Return the rectangle between two corners. */
export function brushOf(from: { x: number; y: number }, to: { x: number; y: number }): Brush {
  const sorted = (one: number, other: number): [number, number] =>
    one < other ? [one, other] : [other, one];
  return { x: sorted(from.x, to.x), y: sorted(from.y, to.y) };
}

/** A few round numbers across the range, its ends within. */
export function ticksOf(lo: number, hi: number, most = 6): number[] {
  if (!(hi > lo)) return [];
  const rough = (hi - lo) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const unit = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough) ?? rough;
  const first = Math.ceil(lo / unit - 1e-9);
  const last = Math.floor(hi / unit + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * unit);
}

/** The range of the values with a margin, zero within; `symmetric` puts zero in the middle of signed ones. */
export function rangeOf(values: ArrayLike<number>, symmetric: boolean): [number, number] {
  let lo = 0;
  let hi = 0;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) continue;
    lo = Math.min(lo, values[i]);
    hi = Math.max(hi, values[i]);
  }
  if (symmetric && lo < 0) {
    hi = Math.max(hi, -lo);
    lo = -hi;
  }
  const margin = (hi - lo || 1) * 0.06;
  return [lo < 0 ? lo - margin : 0, hi + margin];
}
