/** The rows of a filmstrip, and the steps that it shows. */

import type { Span } from "./frames";
import { groupByMethod } from "./records";
import type { RecordSpec } from "./types";

export type FilmRows = "methods" | "layers";

/**
 * The rows below the chosen record: "methods" has one of each other method, at the same layer where
 * it has that, "layers" all others of the chosen record's method.
 */
export function filmRows(films: RecordSpec[], chosen: RecordSpec, rows: FilmRows): RecordSpec[] {
  if (rows === "layers")
    return films.filter(({ key, method }) => method === chosen.method && key !== chosen.key);
  return groupByMethod(films)
    .filter(({ method }) => method !== chosen.method)
    .map(({ records }) => records.find(({ layer }) => layer === chosen.layer) ?? records[0]);
}

/** The part of the run between two steps that a link names; all of it where they are not there. */
export function spanOf(text: string, steps: number[]): Span {
  const whole = { from: 0, to: steps.length - 1 };
  const [first, last] = text.split("_").map(Number);
  const from = steps.indexOf(first);
  const to = steps.indexOf(last);
  return text !== "" && from >= 0 && to > from ? { from, to } : whole;
}

export function spanText({ from, to }: Span, steps: number[]): string {
  return from <= 0 && to >= steps.length - 1 ? "" : `${steps[from]}_${steps[to]}`;
}
