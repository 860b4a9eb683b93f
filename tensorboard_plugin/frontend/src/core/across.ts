/** One method's records on several inputs of an example, side by side. */

import type { Domain } from "./paint";
import type { RecordSpec } from "./types";

const DRAWN = new Set(["map", "bars", "channels"]);

/** A record of the same method on each input, in the run's order; none where there is only one input. */
export function acrossInputs(all: RecordSpec[], record: RecordSpec): RecordSpec[] {
  if (!record.input || record.rows) return [];
  const found = new Map<string, RecordSpec>();
  for (const each of all) {
    const fits =
      each.method === record.method &&
      each.title === record.title &&
      each.signed === record.signed &&
      each.input &&
      !each.rows &&
      DRAWN.has(each.form);
    if (fits && each.input && (each.key === record.key || !found.has(each.input)))
      found.set(each.input, each);
  }
  return found.size > 1 ? [...found.values()] : [];
}

/** Whether its numbers are in the unit of the score, and so compare from input to input. */
export function isOfScore({ unit }: RecordSpec): boolean {
  return unit === "score";
}

/** Whether its numbers add up to a part of the score. */
export function addsUp({ quantity, unit }: RecordSpec): boolean {
  return unit === "score" && ["attribution", "relevance"].includes(quantity);
}

export interface Size {
  /** Sum of the magnitudes. */
  size: number;
  sum: number;
}

export function sizeOf(values: ArrayLike<number>): Size {
  let size = 0;
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) continue;
    size += Math.abs(values[i]);
    sum += values[i];
  }
  return { size, sum };
}

/** A scale that holds them all. */
export function together(domains: (Domain | undefined)[]): Domain | undefined {
  const known = domains.filter((domain) => domain !== undefined);
  if (known.length === 0 || known.length < domains.length) return undefined;
  return {
    lo: Math.min(...known.map(({ lo }) => lo)),
    hi: Math.max(...known.map(({ hi }) => hi)),
  };
}

/** The plane with the largest magnitude: the slice of a volume that says most. */
export function loudest(count: number, valuesOf: (plane: number) => Float32Array): number {
  const sizes = Array.from({ length: count }, (_, plane) => sizeOf(valuesOf(plane)).size);
  return Math.max(0, sizes.indexOf(Math.max(...sizes)));
}
