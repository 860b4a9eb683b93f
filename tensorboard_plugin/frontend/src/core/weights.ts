/** Weight gradients over time: the numbers behind the overview. */

import type { MapRow, RecordSpec } from "./types";

export type WeightStatistic = "norm" | "ratio" | "update_ratio" | "zero_share";

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

/**
 * "ratio" is the gradient's norm over the weight's: a step of which relative size it asks for.
 * "update_ratio" is that of the step that was taken, since the one logged before.
 */
export function shownStatistic(
  record: RecordSpec,
  row: MapRow | undefined,
  name: WeightStatistic,
): number {
  if (name === "zero_share") return statisticOf(record, row, "zero_share");
  const norm = statisticOf(record, row, name === "update_ratio" ? "update_norm" : "norm");
  const value = name === "norm" ? norm : norm / statisticOf(record, row, "weight_norm");
  return Math.log10(value);
}

/** Whether a run has the figure: older ones hold no updates. */
export function hasStatistic(record: RecordSpec, name: WeightStatistic): boolean {
  return name !== "update_ratio" || (record.labels?.statistic ?? []).includes("update_norm");
}

/** At the first step of a training no update has been seen: nothing is wrong with it. */
function lacksUpdate(record: RecordSpec, row: MapRow, name: WeightStatistic): boolean {
  const of = (statistic: string) => statisticOf(record, row, statistic);
  return (
    name === "update_ratio" && Number.isNaN(of("update_norm")) && Number.isFinite(of("weight_norm"))
  );
}

/** A figure of all weights of a layer together, as if they were one. */
export function layerFigure(
  record: RecordSpec,
  rows: (MapRow | undefined)[],
  name: "norm" | "update_ratio",
): number {
  const together = (statistic: string) =>
    Math.hypot(...rows.map((row) => statisticOf(record, row, statistic)));
  if (rows.length === 0) return Number.NaN;
  return name === "norm" ? together("norm") : together("update_norm") / together("weight_norm");
}

/** The domain is that of the columns from `from` on: early spikes need not take all the colours. */
export function overview(
  record: RecordSpec,
  rows: (MapRow | undefined)[][],
  name: WeightStatistic,
  from = 0,
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
      const isThere = map && map.status !== "missing" && map.status !== "damaged";
      blank[at] = isThere && !lacksUpdate(record, map, name) ? 0 : 1;
      if (x >= from && Number.isFinite(value)) {
        lo = Math.min(lo, value);
        hi = Math.max(hi, value);
      }
    });
  });
  if (lo > hi) [lo, hi] = [0, 0];
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
