/** Single numbers of examples: their names, and the range of each. */

import { shownAxes, shownShape } from "./forms";
import { optionText } from "./picker";
import { groupByMethod, labelOf } from "./records";
import type { MapRow, RecordSpec } from "./types";

/** What each number of a row is called. */
export function figureNames(record: RecordSpec, all: RecordSpec[]): string[] {
  const [axis] = shownAxes(record);
  if (!axis) {
    const group = groupByMethod(all).find(({ method }) => method === record.method);
    return [group ? optionText(record, group) : record.title];
  }
  return Array.from({ length: shownShape(record)[0] }, (_, i) =>
    labelOf(record, axis, i).replaceAll("_", " "),
  );
}

/** Number `figure` of each row; NaN where a row is not there. */
export function figuresOf(rows: (MapRow | undefined)[], figure: number): Float32Array {
  return Float32Array.from(rows, (row) => row?.values[figure] ?? Number.NaN);
}
