/** The list of all records, by method, and what is left of it by a search. */

import { sizeText } from "./forms";
import { groupByMethod, type MethodGroup, titleOf, variantOf } from "./records";
import type { RecordSpec } from "./types";

export interface Option {
  key: string;
  text: string;
  size: string;
}

export interface OptionGroup {
  method: string;
  title: string;
  options: Option[];
}

/** What tells a record from the others of its method: its title, its place, or both. */
export function optionText(record: RecordSpec, { title, records }: MethodGroup): string {
  if (records.length === 1) return title;
  const own = titleOf(record);
  if (own === title) return record.key === record.method ? title : variantOf(record);
  const text = own.startsWith(`${title}: `) ? own.slice(title.length + 2) : own;
  const isAlone = records.filter((each) => titleOf(each) === own).length === 1;
  return isAlone ? text : `${text}, ${variantOf(record)}`;
}

/** Groups and options with every word of the search in their title, name, key or size. */
export function optionGroups(records: RecordSpec[], search: string): OptionGroup[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const isFound = (text: string) => words.every((word) => text.toLowerCase().includes(word));
  return groupByMethod(records)
    .map((group) => ({
      method: group.method,
      title: group.title,
      options: group.records
        .map((record) => ({
          key: record.key,
          text: optionText(record, group),
          size: sizeText(record),
        }))
        .filter(({ key, text, size }) => isFound([group.title, text, key, size].join(" "))),
    }))
    .filter(({ options }) => options.length > 0);
}
