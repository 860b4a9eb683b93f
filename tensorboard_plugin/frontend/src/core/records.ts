/** Which records a view offers, and what they are called. */

import { pictureAxes } from "./axes";
import { capital } from "./format";
import { homeOf } from "./forms";
import type { Manifest, RecordSpec } from "./types";

export interface MethodGroup {
  method: string;
  title: string;
  records: RecordSpec[];
}

/**
 * Pictures of examples come first, then what speaks for or against at each place of an example, then
 * what else is a row an example, then all others.
 */
function rank(record: RecordSpec): number {
  const { form } = record;
  if (record.rows) return LAST;
  if (form === "map") return pictureAxes(record.axes) ? 0 : 3;
  if (form === "bars") return record.signed ? 1 : 2;
  return LAST;
}

const LAST = 4;

/**
 * What methods say about examples, and about the network as a whole.
 *
 * Small maps come first, so that the tab opens on the one that says most plainly where, and loads at once.
 */
export function attributions(manifest: Manifest): RecordSpec[] {
  const size = (record: RecordSpec) =>
    rank(record) === LAST ? 0 : record.shape.reduce((product, side) => product * side, 1);
  const found = manifest.records.filter(
    (record) => homeOf(record) === "evolve" && record.form !== "outputs",
  );
  return found.sort((one, other) => rank(one) - rank(other) || size(one) - size(other));
}

export function layered(manifest: Manifest): RecordSpec[] {
  return manifest.records.filter((record) => homeOf(record) === "layers");
}

const ofWeights = (records: RecordSpec[], axis: string) =>
  records.find(({ form, labels }) => form === "weights" && axis in labels);

/** Figures of every weight's gradient. */
export const statisticsOf = (records: RecordSpec[]) => ofWeights(records, "statistic");

/** How many of every weight's gradients lie in each bin. */
export const histogramOf = (records: RecordSpec[]) => ofWeights(records, "bin");

/** The raw gradient of one weight, where it is small enough to be kept. */
export function weightPicture(manifest: Manifest, path: string): RecordSpec | undefined {
  return manifest.records.find(
    ({ form, labels, rows }) =>
      form === "weights" && rows?.join() === path && Object.keys(labels).length === 0,
  );
}

/** Records by their methods, in the order of the methods' titles. */
export function groupByMethod(records: RecordSpec[]): MethodGroup[] {
  const groups = new Map<string, RecordSpec[]>();
  for (const record of records)
    groups.set(record.method, [...(groups.get(record.method) ?? []), record]);
  return [...groups]
    .map(([method, same]) => ({ method, title: methodTitle(method, same), records: same }))
    .sort((one, other) => one.title.localeCompare(other.title, "en"));
}

/** The title that all others of the method begin with; else the method's name as a title has it. */
function methodTitle(method: string, same: RecordSpec[]): string {
  const titles = same.map(titleOf).sort((one, other) => one.length - other.length);
  if (titles.every((title) => title.startsWith(titles[0]))) return titles[0];
  const name = method.replaceAll("_", " ");
  for (const title of titles) {
    const at = title.toLowerCase().indexOf(name);
    if (at >= 0) return title.slice(at, at + name.length);
  }
  return capital(name);
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
  const { key, method, layer, input } = record;
  const on = layer ?? (key === `${method}/${input}` ? input : null);
  return on ? `${titleOf(record)} of ${on}` : titleOf(record);
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
