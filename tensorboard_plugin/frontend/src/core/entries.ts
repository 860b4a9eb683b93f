/** What the entries of an axis are called. */

import { digits } from "./format";
import type { InputSpec, RecordSpec } from "./types";

/** Axes whose entries may stand for the tokens of an input. */
const OF_TOKENS = new Set(["time", "feature", "token", "query", "key"]);
const SHORT: Record<string, string> = { time: "t" };

export interface Raw {
  shape: number[];
  values: ArrayLike<number>;
}

/** The ids of an example's tokens, where an axis of this length goes along them. */
export function tokenIds(
  axis: string,
  length: number,
  input: InputSpec | undefined,
  raw: Raw | undefined,
): ArrayLike<number> | undefined {
  const fits = input?.kind === "tokens" && OF_TOKENS.has(axis) && raw?.shape.length === 1;
  return fits && raw.shape[0] === length ? raw.values : undefined;
}

/** Names of all entries: the record's labels, the tokens' words or ids, the input's, or counted. */
export function entryNames(
  record: RecordSpec,
  axis: string,
  length: number,
  input?: InputSpec,
  raw?: Raw,
): string[] {
  const labels = record.labels?.[axis];
  if (labels?.length === length) return labels.map(String);
  const ids = tokenIds(axis, length, input, raw);
  if (ids) return Array.from(ids, (id) => input?.words?.[id] ?? `#${id}`);
  if (input?.names?.length === length && axis === input.axes.at(-1)) return input.names;
  return Array.from({ length }, (_, i) => `${SHORT[axis] ?? axis} ${i}`);
}

/** An entry in words: "layer 3 (conv2)", "time 5". */
export function entryText(axis: string, index: number, name: string): string {
  const counted = name === `${axis} ${index}` || name === `${SHORT[axis]} ${index}`;
  return counted ? `${axis} ${index}` : `${axis} ${index} (${name})`;
}

/** A value of a feature in words: "43 years", "female". */
function valueText(value: number, input: InputSpec, name: string | undefined): string {
  const word =
    name === undefined
      ? undefined
      : input.categories?.[name]?.[String(Number(value.toPrecision(9)))];
  if (word !== undefined) return word;
  const unit = name === undefined ? undefined : input.units?.[name];
  return digits(value, 3) + (unit ? ` ${unit}` : "");
}

/** The input's own value at each entry, where it has one there and is not a token. */
export function entryValues(
  axis: string,
  length: number,
  input: InputSpec | undefined,
  raw: Raw | undefined,
): string[] | undefined {
  const one = input?.kind === "features" && axis === input.axes[0] && raw?.shape.length === 1;
  if (!one || raw.shape[0] !== length) return undefined;
  return Array.from(raw.values, (value, i) => valueText(value, input, input.names?.[i]));
}
