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

/** How many options are drawn at once; a network of a thousand layers has as many. */
export const MOST_DRAWN = 150;

/** The options around the place `at` of all, and how many are left out before and after them. */
export function optionsNear(groups: OptionGroup[], at: number) {
  const count = groups.reduce((sum, { options }) => sum + options.length, 0);
  // It moves by whole thirds, so that what is pointed at stays where it is.
  const third = MOST_DRAWN / 3;
  const last = Math.max(0, Math.ceil((count - MOST_DRAWN) / third) * third);
  const begin = Math.min(last, Math.max(0, Math.floor(at / third) - 1) * third);
  const end = Math.min(count, begin + MOST_DRAWN);
  let place = 0;
  const near = groups.map((group) => {
    const from = place;
    place += group.options.length;
    return {
      ...group,
      options: group.options.slice(Math.max(0, begin - from), Math.max(0, end - from)),
    };
  });
  return {
    groups: near.filter(({ options }) => options.length > 0),
    before: begin,
    after: count - end,
  };
}
