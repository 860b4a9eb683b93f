/** One record's statistics over all steps and rows. */

import type { StepTable } from "./step-table";

export interface Columns {
  steps: number[];
  rows: number;
  /** By name, one number a step and row: NaN where there is none, or it is still to come. */
  stats: Map<string, Float32Array>;
}

export function columnsOf({ steps, rows, arrays }: StepTable): Columns {
  return { steps, rows, stats: arrays as Map<string, Float32Array> };
}

/** Return one statistic of one row at every step; empty where the run does not hold it. */
export function seriesOf(columns: Columns | undefined, name: string, row: number): Float32Array {
  const all = columns?.stats.get(name);
  if (!columns || !all || row >= columns.rows) return new Float32Array();
  const series = new Float32Array(columns.steps.length);
  for (let s = 0; s < series.length; s++) series[s] = all[s * columns.rows + row];
  return series;
}

/** Smallest and largest value over all steps and rows, of those that are wanted; [0, 0] of none. */
export function spanOf(
  columns: Columns,
  isWanted: (value: number) => boolean = Number.isFinite,
): [lo: number, hi: number] {
  let lo = Number.POSITIVE_INFINITY;
  let hi = Number.NEGATIVE_INFINITY;
  for (const name of ["min", "max"])
    for (const value of columns.stats.get(name) ?? []) {
      if (!isWanted(value)) continue;
      lo = Math.min(lo, value);
      hi = Math.max(hi, value);
    }
  return lo <= hi ? [lo, hi] : [0, 0];
}
