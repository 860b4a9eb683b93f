/** The unit of a record's numbers, as it stands beside every colour scale. */

import type { RecordSpec } from "./types";

export const UNKNOWN = "unknown";

const TEXTS: Record<string, string> = {
  score: "score units",
  "score per region": "score units per region",
  "score per input unit": "score units per input unit",
  "score per layer unit": "score units per layer unit",
  "loss per weight unit": "loss units per weight unit",
  input: "input units",
  layer: "layer units",
  output: "output units",
  none: "no unit",
  several: "several units",
  [UNKNOWN]: "unit not recorded",
};

const SQUARED = ", squared";

/** How a unit reads: "score units per input unit". */
export function unitText(unit: string): string {
  const plain = unit.endsWith(SQUARED) ? unit.slice(0, -SQUARED.length) : unit;
  return (TEXTS[plain] ?? plain) + unit.slice(plain.length);
}

/** Whether numbers of two records are sizes of the same thing, as far as the run says it. */
export function compare(a: RecordSpec | undefined, b: RecordSpec | undefined): boolean {
  return a !== undefined && b !== undefined && haveOneUnit(a.unit, b.unit);
}

export function haveOneUnit(a: string, b: string): boolean {
  return a === b && a !== UNKNOWN;
}

/** The unit of a difference. */
export function differenceUnit(a: string, b: string): string {
  if (a === b) return unitText(a);
  return [a, b].includes(UNKNOWN) ? unitText(UNKNOWN) : "units differ";
}
