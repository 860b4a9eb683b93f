/** Two maps on one stage: what is drawn of each, and of their difference. */

import type { TableName } from "./colours";
import { differenceDomain, signedDifference } from "./diff";
import { fitted, type Range } from "./domain";
import type { Domain } from "./paint";
import { type Planes, planesOf, planeValues } from "./planes";
import { quantile } from "./statistics";
import type { MapRow } from "./types";
import { haveOneUnit } from "./units";

/** "2up": A, B and B - A beside one another. "size": the difference without its sign. */
export const MODES = ["2up", "swipe", "onion", "delta", "size", "blink"] as const;
export type Mode = (typeof MODES)[number];
export const SAMPLINGS = ["nearest", "bilinear"] as const;
export type Sampling = (typeof SAMPLINGS)[number];

/** What a person chooses about a stage. */
export interface StageSettings {
  mode: Mode;
  sampling: Sampling;
  /** The part of the pictures in sight, as `zoom.ts` writes it. */
  zoom: string;
  /** Each map in units of its own level, instead of both on one absolute scale. */
  normalised: boolean;
}

/** What is known of A or of B. */
export interface SideFacts {
  /** What tells it from the other: "step 3", "run-a, step 3". */
  title: string;
  /** Why it is this one: "first step". */
  note?: string;
  /** Of the sentence that is heard: "Saliency of example 3 at step 12". */
  name: string;
  key: string;
  /** Not there until it has been fetched. */
  map: MapRow | undefined;
  /** The plane of the map that is shown, where it has several. */
  plane?: number;
  /** The colour scale; not there until the record's statistics are. */
  domain: Domain | undefined;
  signed: boolean;
  /** Of the numbers, as the record has it. */
  unit: string;
  colours: TableName;
  /** The input that the map lies on. */
  picture?: { height: number; width: number; channels: number; pixels: Uint8Array };
  /** Why the map is missing, where it is. */
  reason: string;
}

export interface Side extends SideFacts {
  planes?: Planes;
  /** Of the plane shown; none where the map is missing or damaged. */
  values?: Float32Array;
}

export function sideOf(facts: SideFacts): Side {
  const { map, plane = 0 } = facts;
  if (!map || map.status === "missing" || map.status === "damaged") return facts;
  const planes = planesOf(map.axes, map.shape);
  return { ...facts, planes, values: planeValues(map.values, planes, plane) };
}

/** Numbers and the scale that they are painted on. */
export interface Painted {
  values: Float32Array;
  domain: Domain;
}

export interface Staged {
  a?: Painted;
  b?: Painted;
  /** B - A. */
  delta?: Painted;
  /** |B - A|. */
  size?: Painted;
  /** Why there is no difference; nothing while a side is on its way. */
  why: string;
  louder: Louder | null;
}

/** The side whose level is several times that of the other. */
export interface Louder {
  tag: "A" | "B";
  times: number;
}

/** From here on one side is said to be larger than the other. */
const FAR_LARGER = 2;

/** How large the numbers of a map are: the 99th percentile of their magnitudes, or the largest. */
export function levelOf(values: Float32Array, range: Range = "p1"): number {
  const size = values.map(Math.abs);
  const robust = quantile(size, range === "p1" ? 0.99 : 1);
  return robust > 0 ? robust : quantile(size, 1);
}

export function louderOf(a: Float32Array | undefined, b: Float32Array | undefined): Louder | null {
  if (!a || !b) return null;
  const [levelA, levelB] = [levelOf(a), levelOf(b)];
  const times = levelA > levelB ? levelA / levelB : levelB / levelA;
  if (!Number.isFinite(times) || times < FAR_LARGER) return null;
  return { tag: levelA > levelB ? "A" : "B", times };
}

function whyNot(a: Side, b: Side): string {
  if (a.map && !a.values) return "A is missing, so there is no difference";
  if (b.map && !b.values) return "B is missing, so there is no difference";
  if (!a.planes || !b.planes) return "";
  const size = ({ height, width }: Planes) => (height > 1 ? `${height}×${width}` : `${width}`);
  if (a.planes.height !== b.planes.height || a.planes.width !== b.planes.width)
    return `A has ${size(a.planes)} values and B ${size(b.planes)}, so there is no difference`;
  if (a.signed !== b.signed)
    return `${a.signed ? "A" : "B"} is signed and ${a.signed ? "B" : "A"} is not, so there is no difference`;
  return "";
}

/** Divide by the map's own level: its numbers are then about -1 to 1, or 0 to 1. */
function normalise(values: Float32Array, signed: boolean, range: Range): Painted {
  const level = levelOf(values, range);
  return level > 0
    ? { values: values.map((value) => value / level), domain: { lo: signed ? -1 : 0, hi: 1 } }
    : { values, domain: { lo: 0, hi: 0 } };
}

/** The scale that holds both. */
function union(a: Domain | undefined, b: Domain | undefined): Domain | undefined {
  if (!a || !b) return a ?? b;
  return { lo: Math.min(a.lo, b.lo), hi: Math.max(a.hi, b.hi) };
}

export function staged(a: Side, b: Side, range: Range, normalised: boolean): Staged {
  const alike = a.signed === b.signed && a.unit === b.unit;
  const shared = alike ? union(a.domain, b.domain) : undefined;
  const [paintedA, paintedB] = [a, b].map(({ values, domain, signed }): Painted | undefined => {
    if (!values || !domain) return undefined;
    if (normalised) return normalise(values, signed, range);
    return { values, domain: shared ?? domain };
  });
  const why = whyNot(a, b);
  const louder = haveOneUnit(a.unit, b.unit) ? louderOf(a.values, b.values) : null;
  const result: Staged = { a: paintedA, b: paintedB, why, louder };
  if (why || !paintedA || !paintedB) return result;
  const delta = signedDifference(paintedA.values, paintedB.values);
  const domain = differenceDomain(delta, range);
  const size = delta.map(Math.abs);
  return {
    ...result,
    delta: { values: delta, domain },
    size: { values: size, domain: fitted(0, domain.hi, false) },
  };
}
