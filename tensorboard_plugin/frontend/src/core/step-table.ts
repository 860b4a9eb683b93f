/** Figures of every step and row of a run, which come a part at a time and stay as their steps do. */

import type { Bundle, Numbers } from "./wire";

export interface StepTable {
  steps: number[];
  rows: number;
  /** By name, `steps.length * rows` numbers: NaN, or -1 for a whole number, until they are here. */
  arrays: Map<string, Numbers>;
  /** By place of the step, the stamp of what is here; "" while nothing is. */
  here: string[];
}

/** Steps a part: what a server reads while nobody notices. */
export const PART = 256;
const FIRST_PART = 64;

const EMPTY: StepTable = { steps: [], rows: 0, arrays: new Map(), here: [] };

/** Lay a table out for the steps of now; a step of the same stamp keeps its figures. */
export function laidOut(table: StepTable = EMPTY, steps: number[], stamps: string[]): StepTable {
  const { rows } = table;
  const before = new Map(table.here.map((stamp, at) => [stamp, at]));
  const from = stamps.map((stamp) => before.get(stamp));
  const arrays = new Map<string, Numbers>();
  for (const [name, old] of table.arrays) {
    const values = unknown(old, steps.length * rows);
    for (const [at, place] of from.entries())
      if (place !== undefined)
        values.set(old.subarray(place * rows, (place + 1) * rows), at * rows);
    arrays.set(name, values);
  }
  const here = stamps.map((stamp, at) => (from[at] === undefined ? "" : stamp));
  return { steps, rows, arrays, here };
}

/**
 * Places of the steps that are still to come, in parts. Each part is spread over the whole run, so
 * that a scale is about right with the first, which has the places that are looked at. Of a long
 * run the first is a small one: a person waits for it.
 */
export function partsToCome({ here }: StepTable, looked: Iterable<number>): number[][] {
  const places = here.flatMap((stamp, at) => (stamp ? [] : [at])).reverse();
  const parts = spread(places, Math.ceil(places.length / PART));
  if (parts.length > 1) parts.unshift(...spread(parts.shift() ?? [], PART / FIRST_PART));
  const first = new Set(looked);
  return parts.map((part, k) =>
    k > 0
      ? part.filter((place) => !first.has(place))
      : [...new Set([...part, ...places.filter((place) => first.has(place))])],
  );
}

function spread(places: number[], count: number): number[][] {
  return Array.from({ length: count }, (_, k) => places.filter((_, i) => i % count === k));
}

/** Put a reply about the steps at `places` into the table; its arrays stay the same ones. */
export function filled(
  table: StepTable,
  bundle: Bundle,
  places: number[],
  stamps: string[],
): StepTable {
  let { rows, arrays, here } = table;
  const given = [...bundle.arrays.values()].filter(({ shape }) => shape.length === 2);
  const found = given[0]?.shape[1] ?? 0;
  const fits = found === rows && given.every(({ name }) => arrays.has(name));
  if (!fits) {
    rows = found;
    arrays = new Map(
      given.map(({ name, values }) => [name, unknown(values, table.steps.length * rows)]),
    );
    here = here.map(() => "");
  }
  for (const { name, values } of given) {
    const all = arrays.get(name) ?? [];
    for (let i = 0; i < places.length; i++)
      for (let row = 0; row < rows; row++) all[places[i] * rows + row] = values[i * rows + row];
  }
  here = [...here];
  for (const place of places) here[place] = stamps[place];
  return { ...table, rows, arrays, here };
}

function unknown(like: Numbers, length: number): Numbers {
  if (like instanceof Float32Array) return new Float32Array(length).fill(Number.NaN);
  return new Int32Array(length).fill(-1);
}
