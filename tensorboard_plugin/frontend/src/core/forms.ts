/** What a record is drawn as: its axes and rows say so, never the name of its method. */

import type { InputSpec, RecordSpec } from "./types";

/**
 * "map": a picture over two axes. "bars": numbers along one axis. "numbers": one or a few a
 * row. "points": places in the plane. "plane": a class for each place of it. "table": numbers by
 * name, two ways. "pictures": colour pictures in their own range. "channels": many planes of a
 * layer. "weights": the gradients view has them.
 */
export type Form =
  | "map"
  | "bars"
  | "numbers"
  | "points"
  | "plane"
  | "table"
  | "pictures"
  | "channels"
  | "weights"
  | "hidden";

const OUTPUTS = new Set(["predictions", "scores"]);
export const WEIGHTS = "weight_gradients";
/** Axes along which neighbours belong together: they make pictures and curves. */
const PLACES = new Set(["height", "width", "depth", "time", "query", "key", "head"]);

/** The axes of a map as it is shown: a channel axis that is summed up is gone. */
export function shownAxes({ axes, shown }: RecordSpec): string[] {
  return shown === "all" ? axes : axes.filter((axis) => axis !== "channel");
}

/** Lengths of the axes as shown. */
export function shownShape({ axes, shape, shown }: RecordSpec): number[] {
  return shown === "all" ? shape : shape.filter((_, i) => axes[i] !== "channel");
}

/** Every channel is a picture of its own: a layer's activations, heads, slices of a volume. */
function hasPlanes(record: RecordSpec): boolean {
  const several = ["channel", "head", "depth"].some((axis) => shownAxes(record).includes(axis));
  return record.method === "activations" || several;
}

export function formOf(record: RecordSpec): Form {
  if (OUTPUTS.has(record.key)) return "hidden";
  if (record.method === WEIGHTS) return "weights";
  const axes = shownAxes(record);
  const named = record.rows !== null;
  if (axes.length === 0 || (axes.length === 1 && axes[0] === "metric")) return "numbers";
  if (axes.length === 1) return axes[0] === "coordinate" && !named ? "points" : "bars";
  if (named && axes.includes("channel")) return "pictures";
  if (named && record.rows?.join() === "plane") return "plane";
  if (axes.length === 2 && !axes.some((axis) => PLACES.has(axis))) return "table";
  return !named && hasPlanes(record) ? "channels" : "map";
}

/** The view in which a record is looked at. */
export function homeOf(record: RecordSpec): "evolve" | "layers" | "gradients" {
  const form = formOf(record);
  if (form === "channels") return "layers";
  return form === "weights" ? "gradients" : "evolve";
}

/** Drift says how far a map turned; single numbers and points do not turn. */
export function turns(record: RecordSpec): boolean {
  return !["numbers", "points"].includes(formOf(record));
}

/** Whether it has its place in an example's film: a picture or a strip a step. */
export function isFilm(record: RecordSpec): boolean {
  return record.rows === null && ["map", "bars"].includes(formOf(record));
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
const UNCOUNTED = new Set(["height", "width", "coordinate"]);

/** The size of a row in a few words: "12×12", "8 features", "4 heads, 12 queries, 12 keys". */
export function sizeText(record: RecordSpec): string {
  const axes = shownAxes(record);
  const shape = shownShape(record);
  if (axes.length === 0) return "a number";
  if (formOf(record) === "points") return "points";
  const sides = shape.filter((_, i) => UNCOUNTED.has(axes[i])).join("×");
  const others = axes.flatMap((axis, i) => {
    if (UNCOUNTED.has(axis)) return [];
    return `${shape[i]} ${shape[i] === 1 ? axis : (COUNTED[axis] ?? `${axis}s`)}`;
  });
  return [sides, ...others].filter(Boolean).join(", ");
}
