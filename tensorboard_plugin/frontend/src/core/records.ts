/** Which records a view offers, and what they are called. */

import type { Manifest, RecordSpec } from "./types";

const NOT_MAPS = new Set(["predictions", "scores"]);
const WEIGHTS = "weight_gradients";
export const STATISTICS_KEY = `${WEIGHTS}/statistics`;
export const HISTOGRAM_KEY = `${WEIGHTS}/histogram`;

export interface MethodGroup {
  method: string;
  title: string;
  records: RecordSpec[];
}

function ofProbes(record: RecordSpec): boolean {
  return !record.rows && !NOT_MAPS.has(record.key) && record.method !== WEIGHTS;
}

/** Every channel is a picture of its own: a layer's activations, attention heads. */
export function isLayered(record: RecordSpec): boolean {
  const several = record.axes.includes("channel") || record.axes.includes("head");
  return record.method === "activations" || (record.shown === "all" && several);
}

/**
 * One map a probe: what a method says about the input.
 *
 * Small maps come first, so that the tab opens on the one that says most plainly where, and loads at once.
 */
export function attributions(manifest: Manifest): RecordSpec[] {
  const size = ({ shape }: RecordSpec) => shape.reduce((product, side) => product * side, 1);
  const found = manifest.records.filter(
    (record) => ofProbes(record) && !isLayered(record) && record.axes.length > 0,
  );
  return found.sort((one, other) => size(one) - size(other));
}

export function layered(manifest: Manifest): RecordSpec[] {
  return manifest.records.filter((record) => ofProbes(record) && isLayered(record));
}

/** The raw gradient of one weight, where it is small enough to be kept. */
export function weightPicture(manifest: Manifest, path: string): RecordSpec | undefined {
  return manifest.records.find((record) => record.key === `${WEIGHTS}/${path}`);
}

export function groupByMethod(records: RecordSpec[]): MethodGroup[] {
  const groups = new Map<string, MethodGroup>();
  for (const record of records) {
    const group = groups.get(record.method);
    if (group) group.records.push(record);
    else
      groups.set(record.method, {
        method: record.method,
        title: titleOf(record),
        records: [record],
      });
  }
  return [...groups.values()];
}

export function titleOf(record: RecordSpec): string {
  return record.title || record.method.replaceAll("_", " ");
}

/** What tells this record from the others of its method. */
export function variantOf(record: RecordSpec): string {
  const rest = record.key.startsWith(`${record.method}/`)
    ? record.key.slice(record.method.length + 1)
    : "";
  return record.layer ?? (rest || record.input || record.key);
}

export function fullTitle(record: RecordSpec): string {
  return record.layer ? `${titleOf(record)} of ${record.layer}` : titleOf(record);
}

/** The axes of a map as it is shown: a channel axis that is summed up is gone. */
export function shownAxes({ axes, shown }: RecordSpec): string[] {
  return shown === "all" ? axes : axes.filter((axis) => axis !== "channel");
}

/** A map along one axis: time, features, tokens. */
export function isStrip(record: RecordSpec): boolean {
  return shownAxes(record).length === 1;
}

/** Find a record by its key, or by its method alone: a link may be written by hand. */
export function findRecord(records: RecordSpec[], name: string | null): RecordSpec | undefined {
  return (
    records.find((record) => record.key === name) ??
    records.find((record) => record.method === name) ??
    records[0]
  );
}

/** Name of plane `index` of an axis, from the record's labels where it has them. */
export function labelOf(record: RecordSpec, axis: string | null, index: number): string {
  return String((axis && record.labels?.[axis]?.[index]) ?? index);
}

/** Return the numbers of an axis' labels, such as the edges of bins. */
export function numericLabels(record: RecordSpec | undefined, axis: string): number[] {
  return (record?.labels?.[axis] ?? []).map(Number);
}
