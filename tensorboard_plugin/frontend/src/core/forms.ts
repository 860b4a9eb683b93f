/** What a record is drawn as: the run says its form, never the name of its method. */

import { isChannel, isSide } from "./axes";
import type { InputSpec, RecordSpec } from "./types";

/** The axes of a map as it is shown: a channel axis that is summed up is gone. */
export function shownAxes({ axes, shown }: RecordSpec): string[] {
  return shown === "all" ? axes : axes.filter((axis) => !isChannel(axis));
}

/** Lengths of the axes as shown. */
export function shownShape({ axes, shape, shown }: RecordSpec): number[] {
  return shown === "all" ? shape : shape.filter((_, i) => !isChannel(axes[i]));
}

/** The view in which a record is looked at. */
export function homeOf(record: RecordSpec): "evolve" | "layers" | "gradients" {
  const { form } = record;
  if (form === "channels") return "layers";
  return form === "weights" ? "gradients" : "evolve";
}

/** Drift says how far a map turned; single numbers and points do not turn. */
export function turns(record: RecordSpec): boolean {
  return !["numbers", "points"].includes(record.form);
}

/** Whether it has its place in an example's film: a picture or a strip a step. */
export function isFilm(record: RecordSpec): boolean {
  return record.rows === null && ["map", "bars"].includes(record.form);
}

/** A map along one axis: time, features, tokens. */
export function isStrip(record: RecordSpec): boolean {
  return shownAxes(record).length === 1;
}

/** "line": too many neighbours for a bar each. */
export type BarKind = "bars" | "tokens" | "line";

const MOST_BARS = 64;

export function barKindOf(record: RecordSpec, input: InputSpec | undefined): BarKind {
  const [axis] = shownAxes(record);
  const [length] = shownShape(record);
  if (input?.kind === "tokens" && input.shape?.[0] === length) return "tokens";
  const isNamed = record.labels?.[axis]?.length === length;
  return !isNamed && (axis === "time" || length > MOST_BARS) ? "line" : "bars";
}

const COUNTED: Record<string, string> = {
  class: "classes",
  query: "queries",
  statistic: "statistics",
  time: "time steps",
};

/** The size of a row in a few words: "12×12", "8 features", "4 heads, 12 queries, 12 keys". */
export function sizeText(record: RecordSpec): string {
  const axes = shownAxes(record);
  const shape = shownShape(record);
  if (axes.length === 0) return "a number";
  if (record.form === "points") return "points";
  const sides = shape.filter((_, i) => isSide(axes[i])).join("×");
  const others = axes.flatMap((axis, i) => {
    if (isSide(axis)) return [];
    return `${shape[i]} ${shape[i] === 1 ? axis : (COUNTED[axis] ?? `${axis}s`)}`;
  });
  return [sides, ...others].filter(Boolean).join(", ");
}
