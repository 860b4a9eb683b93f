/** Which examples a person wants to see, and in which order. */

import { confidenceOf, groupsOf, isFlipped, namesOf, type Verdict } from "./probes";
import { canFlip, groupName, taskOf } from "./task";
import type { Manifest } from "./types";

/** Those that are ordered by a number of each example. */
const BY_NUMBER = [
  "drift-now",
  "drift",
  "drift-since",
  "loss",
  "error",
  "share",
  "disagreement",
  "value",
] as const;
export const SORTS = ["index", ...BY_NUMBER, "confidence", "wrong", "newly", "flipped"] as const;
export type Sort = (typeof SORTS)[number];

export interface Listing {
  sort: Sort;
  /** The last of the order first. */
  backwards: boolean;
  /** Only examples of this class. */
  label: number | null;
  wrongOnly: boolean;
  flippedOnly: boolean;
  /** Words, each of which a number or a class must have. */
  search: string;
  /** They stay first, in this order, whatever is asked for. */
  pinned: readonly number[];
}

export interface Known {
  verdicts: (Verdict | null)[];
  /** At A or, without A, at the step before. */
  before: (Verdict | null)[];
  /** What is sorted by, where that is a number. */
  values?: ArrayLike<number>;
}

/** Return the examples to show, in order. Ties stay in the order of the examples; those without a number come last. */
export function listProbes(manifest: Manifest, known: Known, asked: Listing): number[] {
  const { verdicts, before } = known;
  const { label, wrongOnly, flippedOnly, search, backwards } = within(manifest, asked);
  const words = wordsOf(search);
  const pinned = asked.pinned.filter((probe) => probe < verdicts.length);
  const chosen = verdicts
    .map((_, probe) => probe)
    .filter((probe) => !pinned.includes(probe))
    .filter((probe) => label === null || groupsOf(manifest, verdicts[probe], probe).includes(label))
    .filter((probe) => !wrongOnly || verdicts[probe]?.correct === false)
    .filter((probe) => !flippedOnly || isFlipped(verdicts[probe], before[probe]))
    .filter((probe) => words.every((word) => isMeant(word, probe, verdicts[probe])));
  const rank = rankOf(asked.sort, known);
  const ranks = new Map(chosen.map((probe) => [probe, rank(probe)]));
  const of = (probe: number) => ranks.get(probe) ?? Number.NaN;
  const sorted = chosen.sort((one, other) => {
    const [a, b] = [of(one), of(other)];
    if (Number.isNaN(a) || Number.isNaN(b))
      return Number(Number.isNaN(a)) - Number(Number.isNaN(b)) || one - other;
    return (backwards ? a - b : b - a) || one - other;
  });
  return [...pinned, ...sorted];
}

/** Of the filters those that the task of the output has: numbers are of no class, and never wrong. */
export function within<Filters extends Pick<Listing, "label" | "wrongOnly" | "flippedOnly">>(
  manifest: Manifest,
  asked: Filters,
): Filters {
  const task = taskOf(manifest);
  return {
    ...asked,
    label: groupName(task) ? asked.label : null,
    wrongOnly: asked.wrongOnly && canFlip(task) && Boolean(manifest.probes.truth),
    flippedOnly: asked.flippedOnly && canFlip(task),
  };
}

export function wordsOf(search: string): string[] {
  return search.toLowerCase().split(/\s+/).filter(Boolean);
}

/** "12" and "#12" mean the example, other words a part of its class or of a predicted one. */
export function isMeant(word: string, probe: number, verdict: Verdict | null): boolean {
  const number = word.replace(/^#/, "");
  if (/^\d+$/.test(number) && Number(number) === probe) return true;
  return namesOf(verdict).some((name) => name.toLowerCase().includes(word));
}

/** What is large comes first. */
function rankOf(sort: Sort, { verdicts, before, values }: Known): (probe: number) => number {
  const confidence = (probe: number) => confidenceOf(verdicts[probe]);
  /** Those that are meant by their confidence, all others after them. */
  const marked = (isMarked: (probe: number) => boolean) => (probe: number) =>
    isMarked(probe) ? 1 + (confidence(probe) || 0) : 0;
  const wrong = (probe: number) => verdicts[probe]?.correct === false;
  switch (sort) {
    case "index":
      return (probe) => -probe;
    case "confidence":
      return confidence;
    case "wrong":
      return marked(wrong);
    case "newly":
      return marked((probe) => wrong(probe) && before[probe]?.correct === true);
    case "flipped":
      return marked((probe) => isFlipped(verdicts[probe], before[probe]));
    default:
      return (probe) => values?.[probe] ?? Number.NaN;
  }
}

/** How far each row went from one step to another: drift summed over the steps between them. */
export function pathBetween(
  drift: ArrayLike<number>,
  rows: number,
  from: number,
  to: number,
): Float64Array {
  const path = new Float64Array(rows);
  for (let step = Math.min(from, to) + 1; step <= Math.max(from, to); step++)
    for (let row = 0; row < rows; row++) {
      const moved = drift[step * rows + row];
      if (Number.isFinite(moved)) path[row] += moved;
    }
  return path;
}

/**
 * One minus how alike the maps of several methods are: the mean over the pairs of which `key` is
 * one, or over all pairs where it is in none.
 */
export function disagreement(values: ArrayLike<number>, pairs: string[], key: string): number {
  const own = pairs
    .map((pair, at) => (pair.split(" ~ ").includes(key) ? at : -1))
    .filter((at) => at >= 0);
  const asked = (own.length ? own : pairs.map((_, at) => at))
    .map((at) => values[at])
    .filter(Number.isFinite);
  return asked.length
    ? 1 - asked.reduce((sum, value) => sum + value, 0) / asked.length
    : Number.NaN;
}
