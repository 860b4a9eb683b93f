/** Numbers that are named two ways in every row: concepts by layer and class. */

import { shownAxes } from "./forms";
import { labelOf } from "./records";
import type { RecordSpec } from "./types";

/** A p-value above this is told as chance. */
export const ALPHA = 0.05;

export interface Block {
  title: string;
  columns: { text: string; at: number }[];
}

/**
 * One block of columns for each entry of the first axis; all in one where the second axis, or the
 * first, has a single entry.
 */
export function blocksOf(record: RecordSpec, classNames: string[] | null = null): Block[] {
  const [first, second] = shownAxes(record);
  const [outer, inner] = record.shape;
  const nameOf = (axis: string, index: number) => {
    const label = labelOf(record, axis, index);
    // A class may be labelled by its index alone.
    const number = axis === "class" && /^\d+$/.test(label) ? Number(label) : -1;
    return number < 0 ? label : (classNames?.[number] ?? `class ${label}`);
  };
  const column = (y: number, x: number, axis: string, index: number) => ({
    text: nameOf(axis, index),
    at: y * inner + x,
  });
  const titleOf = (axis: string, index: number) => {
    const name = nameOf(axis, index);
    return name.startsWith(`${axis} `) ? name : `${axis} ${name}`;
  };
  const range = (count: number) => Array.from({ length: count }, (_, i) => i);
  if (inner === 1) {
    const title = titleOf(second, 0);
    return [{ title, columns: range(outer).map((y) => column(y, 0, first, y)) }];
  }
  return range(outer).map((y) => ({
    title: titleOf(first, y),
    columns: range(inner).map((x) => column(y, x, second, x)),
  }));
}

/** Whether a record holds p-values. */
export function areChances({ quantity, unit }: RecordSpec): boolean {
  return quantity === "figure" && unit === "probability";
}

/** The other table of the same method and names: the p-values of scores, the scores of p-values. */
export function partnerOf(records: RecordSpec[], record: RecordSpec): RecordSpec | undefined {
  return records.find(
    (each) =>
      each.method === record.method &&
      each.key !== record.key &&
      each.form === "table" &&
      each.axes.join() === record.axes.join() &&
      each.shape.join() === record.shape.join() &&
      areChances(each) !== areChances(record),
  );
}

/** A p-value as people write it. */
export function chanceText(p: number): string {
  if (!Number.isFinite(p)) return "p –";
  return p < 0.001 ? "p <.001" : `p ${p.toFixed(3).replace(/^0/, "")}`;
}
