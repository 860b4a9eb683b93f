/** How alike two sides are, example by example, and in which order a person wants to see them. */

import { finite, median } from "./statistics";
import { arrayOf, type Bundle } from "./wire";

/** Correlation of the ranks, angle between the maps, overlap of their largest tenths. */
export const FIGURES = ["spearman", "cosine", "top10"] as const;
export type Figure = (typeof FIGURES)[number];

export const FIGURE_NAMES: Record<Figure, { short: string; says: string }> = {
  spearman: { short: "1 − ρ", says: "1 minus the correlation of the ranks (Spearman)" },
  cosine: { short: "1 − cos", says: "1 minus the cosine of the angle between the maps" },
  top10: { short: "1 − top 10 %", says: "share of the strongest tenth that is elsewhere" },
};

/** By example; not a number where it is not known. */
export interface PairFigures {
  /** How far A and B are apart: 0 is the same. */
  apart: Partial<Record<Figure, Float32Array>>;
  /** The 99th percentile of each map's magnitude. */
  sizeA: Float32Array;
  sizeB: Float32Array;
  /** 1 where the two predict another class, -1 where one of them predicts none. */
  flipped: Int8Array;
  /** 1 where the server has answered. */
  known: Uint8Array;
  /** The side that was averaged onto the grid of the other. */
  finer: "a" | "b" | null;
  /** Whether every stored number was compared, or the maps as shown. */
  of: "stored" | "shown";
}

export function noFigures(count: number): PairFigures {
  const none = () => new Float32Array(count).fill(Number.NaN);
  return {
    apart: {},
    sizeA: none(),
    sizeB: none(),
    flipped: new Int8Array(count).fill(-1),
    known: new Uint8Array(count),
    finer: null,
    of: "shown",
  };
}

/** Add pair `at` of a reply to what is known; the old figures stay as they were. */
export function withReply(before: PairFigures, bundle: Bundle, at: number): PairFigures {
  const rows = bundle.header.rows as number[];
  const figures: PairFigures = {
    apart: { ...before.apart },
    sizeA: before.sizeA.slice(),
    sizeB: before.sizeB.slice(),
    flipped: before.flipped.slice(),
    known: before.known.slice(),
    finer: bundle.header.finer as PairFigures["finer"],
    of: bundle.header.of as PairFigures["of"],
  };
  const copy = (name: string, to: Float32Array | Int8Array, by = (value: number) => value) => {
    const { values } = arrayOf(bundle, name);
    rows.forEach((row, i) => {
      to[row] = by(values[at * rows.length + i]);
    });
  };
  for (const figure of FIGURES) {
    if (!bundle.arrays.has(figure)) continue;
    const own =
      before.apart[figure]?.slice() ?? new Float32Array(before.known.length).fill(Number.NaN);
    copy(figure, own, figure === "top10" ? (overlap) => 1 - overlap : undefined);
    figures.apart[figure] = own;
  }
  copy("p99_a", figures.sizeA);
  copy("p99_b", figures.sizeB);
  copy("flipped", figures.flipped);
  for (const row of rows) figures.known[row] = 1;
  return figures;
}

/** The rows by their value, largest first; those without one come last, in their own order. */
export function ranked(rows: number[], values: ArrayLike<number>): number[] {
  const size = (row: number) => (Number.isFinite(values[row]) ? values[row] : -1);
  return [...rows].sort((one, other) => size(other) - size(one) || one - other);
}

/** The side whose maps are larger in the middle, and how many times. */
export function largerSide(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
): { tag: "A" | "B"; times: number } | undefined {
  const ratio = median(
    finite(Array.from(a, (size, i) => (size > 0 && b[i] > 0 ? size / b[i] : Number.NaN))),
  );
  if (!(ratio > 0)) return undefined;
  return ratio >= 1 ? { tag: "A", times: ratio } : { tag: "B", times: 1 / ratio };
}
