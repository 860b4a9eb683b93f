/** Weight gradients over time: the numbers behind the overview. */

import type { MapRow, RecordSpec } from "./types";

export type WeightStatistic = "norm" | "ratio" | "zero_share";

/** A `(weights, steps)` table. `blank` marks what was not recorded. */
export interface Overview {
  values: Float32Array;
  blank: Uint8Array;
  domain: { lo: number; hi: number };
}

export function statisticOf(record: RecordSpec, row: MapRow | undefined, name: string): number {
  const at = (record.labels?.statistic ?? []).indexOf(name);
  return row && at >= 0 ? row.values[at] : Number.NaN;
}

/** "ratio" is the gradient's norm over the weight's: a step of which relative size it asks for. */
export function shownStatistic(
  record: RecordSpec,
  row: MapRow | undefined,
  name: WeightStatistic,
): number {
  if (name === "zero_share") return statisticOf(record, row, "zero_share");
  const norm = statisticOf(record, row, "norm");
  const value = name === "norm" ? norm : norm / statisticOf(record, row, "weight_norm");
  return Math.log10(value);
}

export function overview(
  record: RecordSpec,
  rows: (MapRow | undefined)[][],
  name: WeightStatistic,
): Overview {
  const steps = rows[0]?.length ?? 0;
  const values = new Float32Array(rows.length * steps);
  const blank = new Uint8Array(values.length);
  let lo = Number.POSITIVE_INFINITY;
  let hi = Number.NEGATIVE_INFINITY;
  rows.forEach((row, y) => {
    row.forEach((map, x) => {
      const at = y * steps + x;
      const value = shownStatistic(record, map, name);
      values[at] = value;
      blank[at] = !map || map.status === "missing" || map.status === "damaged" ? 1 : 0;
      if (Number.isFinite(value)) {
        lo = Math.min(lo, value);
        hi = Math.max(hi, value);
      }
    });
  });
  const domain =
    name === "zero_share"
      ? { lo: 0, hi: 1 }
      : lo < hi
        ? { lo, hi }
        : { lo: lo - 0.5, hi: lo + 0.5 };
  // A gradient of exactly zero has no logarithm; it takes the lowest colour.
  for (let i = 0; i < values.length; i++)
    if (values[i] === Number.NEGATIVE_INFINITY) values[i] = domain.lo;
  return { values, blank, domain };
}
