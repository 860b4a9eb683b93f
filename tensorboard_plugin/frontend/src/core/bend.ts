/**
 * How the colours are spread over the scale: evenly, or more of them to small values.
 *
 * Let s be a value's share of the scale: from its low end to its high end, or, where numbers are
 * signed, from zero to the end on its side. It gets the colour that an even scale has at
 *
 *   gamma g:  s ** g
 *   symlog:   log(1 + 100 s) / log(101), which is linear near zero
 *
 * The table of 256 colours is bent, and never the values; zero stays in the middle.
 */

export type Bend = number | "symlog";

export const EVEN: Bend = 1;
const STEEPNESS = 100;

export function bent(share: number, bend: Bend): number {
  if (bend === "symlog") return Math.log1p(STEEPNESS * share) / Math.log1p(STEEPNESS);
  return bend === EVEN ? share : share ** bend;
}

/** The share of the scale at which entry `index` of 256 stands; signed from -1 to 1. */
export function shareAt(index: number, signed: boolean): number {
  return signed ? (index - 127.5) / 127.5 : index / 255;
}

/** The entry of the even table whose colour entry `index` gets. */
export function bentIndex(index: number, signed: boolean, bend: Bend): number {
  const share = shareAt(index, signed);
  const moved = Math.sign(share) * bent(Math.abs(share), bend);
  return Math.floor((signed ? 127.5 + 127.5 * moved : 255 * moved) + 0.5);
}

/** Where on the drawn scale a value stands, from 0 at its low to 1 at its high end. */
export function placeOnScale(
  value: number,
  { lo, hi }: { lo: number; hi: number },
  signed: boolean,
  bend: Bend,
): number {
  const even = Math.min(1, Math.max(0, (value - lo) / (hi - lo)));
  if (!signed) return bent(even, bend);
  const share = 2 * even - 1;
  return (1 + Math.sign(share) * bent(Math.abs(share), bend)) / 2;
}
