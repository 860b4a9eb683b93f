/** Bars from a common zero, on a linear or a logarithmic scale. */

import { areLayers } from "./axes";
import { type Columns, spanOf } from "./columns";
import type { Domain } from "./paint";
import type { RecordSpec } from "./types";

export const ORDERS = ["largest", "given"] as const;
export type Order = (typeof ORDERS)[number];

/** Entries by falling magnitude, or as they come. What is no number comes last. */
export function orderOf(values: ArrayLike<number>, order: Order): number[] {
  const all = Array.from(values, (_, i) => i);
  if (order === "given") return all;
  const size = (i: number) => (Number.isFinite(values[i]) ? Math.abs(values[i]) : -1);
  return all.sort((a, b) => size(b) - size(a) || a - b);
}

export interface BarScale {
  lo: number;
  hi: number;
  logarithmic: boolean;
}

/** Where zero (or the foot of a logarithmic scale) lies, in [0, 1]. */
export function footOf({ lo, hi, logarithmic }: BarScale): number {
  return logarithmic || !(hi > lo) ? 0 : Math.min(1, Math.max(0, -lo / (hi - lo)));
}

/** Where a value's bar ends, in [0, 1]; NaN where there is none to draw. */
export function endOf(value: number, { lo, hi, logarithmic }: BarScale): number {
  if (!Number.isFinite(value) || !(hi > lo)) return Number.NaN;
  const share = logarithmic
    ? (Math.log10(value) - Math.log10(lo)) / (Math.log10(hi) - Math.log10(lo))
    : (value - lo) / (hi - lo);
  return Number.isNaN(share) ? 0 : Math.min(1, Math.max(0, share));
}

export interface Bar {
  left: number;
  width: number;
}

export function barOf(value: number, scale: BarScale): Bar {
  const foot = footOf(scale);
  const end = endOf(value, scale);
  if (Number.isNaN(end)) return { left: foot, width: 0 };
  return { left: Math.min(foot, end), width: Math.abs(end - foot) };
}

/** A scale that holds zero, and is symmetric about it where the numbers are signed. */
export function linearScale({ lo, hi }: Domain, signed: boolean): BarScale {
  const size = Math.max(Math.abs(lo), Math.abs(hi));
  if (signed) return { lo: -size, hi: size, logarithmic: false };
  return { lo: Math.min(0, lo), hi: Math.max(0, hi), logarithmic: false };
}

/** From one power of ten to another, at most ten decades down. */
export function logScale(least: number, most: number): BarScale {
  const top = Math.ceil(Math.log10(most) - 1e-6);
  const foot = Math.max(top - 10, Math.floor(Math.log10(least) + 1e-6));
  return { lo: 10 ** Math.min(foot, top - 1), hi: 10 ** top, logarithmic: true };
}

export interface LogSpan {
  least: number;
  most: number;
  /** Whether the numbers are sizes far apart, and not shares of one. */
  suits: boolean;
}

const FAR = 100;

/** The span of sizes from layer to layer, which may be compared by factors. */
export function logSpan(record: RecordSpec, columns: Columns | undefined): LogSpan | undefined {
  if (record.signed || !areLayers(record.axes) || !columns) return undefined;
  const [least, most] = spanOf(columns, (value) => value > 0);
  const areShares = most > 0.5 && most <= 1;
  return least < most ? { least, most, suits: most > FAR * least && !areShares } : undefined;
}

/** Whole powers of ten on a logarithmic scale, few enough to be read. */
export function decadesOf({ lo, hi }: BarScale): number[] {
  const from = Math.round(Math.log10(lo));
  const to = Math.round(Math.log10(hi));
  const by = Math.max(1, Math.ceil((to - from) / 4));
  return Array.from({ length: Math.floor((to - from) / by) + 1 }, (_, i) => 10 ** (from + i * by));
}
