/** Completeness: whether an attribution's parts sum to what they should. */

import type { Columns } from "./columns";
import { median } from "./statistics";
import type { RecordSpec } from "./types";

/** A larger share of the score's change that is missing is told. */
export const LARGE_GAP = 0.05;

/** The record of a method's gaps, a share of the score's change for each example. */
export function gapRecord(records: RecordSpec[], method: string): RecordSpec | undefined {
  return records.find(
    ({ key, method: of, axes, rows }) =>
      of === method && rows === null && axes.length === 0 && key.endsWith("/gap"),
  );
}

/** The middle example's gap at one step, where it is large. */
export function largeGap(columns: Columns | undefined, index: number): number | undefined {
  const all = columns?.stats.get("min");
  if (!columns || !all) return undefined;
  const gaps = all.slice(index * columns.rows, (index + 1) * columns.rows).map(Math.abs);
  const middle = median(gaps);
  return middle > LARGE_GAP ? middle : undefined;
}
