/** The numbers beside a scale: its ends, zero, and what finds room between them. */

import { type Bend, EVEN, placeOnScale } from "./bend";
import type { Domain } from "./paint";

export interface Tick {
  value: number;
  /** From 0 at the low to 1 at the high end of the drawn scale. */
  place: number;
}

/** Least distance of two numbers, as a share of the scale. */
const ROOM = 0.22;
/** Pixels of a character, and between two numbers. */
const CHARACTER = 6.3;
const BETWEEN = 4;

/** The share of `width` pixels that numbers of so many characters need, of which those at the ends stand inside. */
export function roomFor(characters: number, width: number): number {
  return Math.max(ROOM, (1.5 * characters * CHARACTER + BETWEEN) / width);
}

/** Shares of the scale that are worth a number: even scales need the middle, bent ones small values. */
function candidates(bend: Bend): number[] {
  if (bend === EVEN) return [0.5];
  return bend === "symlog" ? [0.1, 0.01, 0.03, 0.3] : [0.25, 0.5, 0.1, 0.02, 0.75];
}

export function scaleTicks(domain: Domain, signed: boolean, bend: Bend, room = ROOM): Tick[] {
  const { lo, hi } = domain;
  const shares = candidates(bend);
  const wanted = signed
    ? [0, ...shares.flatMap((share) => [-share * hi, share * hi])]
    : shares.map((share) => lo + share * (hi - lo));
  return roomy(
    [lo, hi, ...wanted].map((value) => ({
      value,
      place: placeOnScale(value, domain, signed, bend),
    })),
    room,
  );
}

/** Ticks of a scale of decimal logarithms: whole powers of ten between its ends. */
export function powerTicks({ lo, hi }: Domain, room = ROOM): Tick[] {
  const place = (value: number) => (value - lo) / (hi - lo);
  const stride = Math.max(1, Math.ceil((hi - lo) * room));
  const first = Math.ceil(lo / stride) * stride;
  const powers = Array.from(
    { length: Math.max(0, Math.floor((hi - first) / stride) + 1) },
    (_, i) => first + i * stride,
  );
  return roomy(
    [lo, hi, ...powers].map((value) => ({ value, place: place(value) })),
    room,
  );
}

/** The earlier ticks win. */
function roomy(ticks: Tick[], room: number): Tick[] {
  const kept: Tick[] = [];
  for (const tick of ticks)
    if (kept.every(({ place }) => Math.abs(place - tick.place) >= room)) kept.push(tick);
  return kept.sort((one, other) => one.place - other.place);
}
