/** Lines of equal value over a map, by marching squares between the middles of its pixels. */

import { type Bend, bent } from "./bend";
import type { Overlay } from "./overlay";
import type { Domain } from "./paint";
import { finite, quantile } from "./statistics";

export interface ContourLevel {
  level: number;
  path: string;
}

/** Corners of a cell, clockwise from the upper left: steps down and across. */
const DOWN = [0, 0, 1, 1];
const ACROSS = [0, 1, 1, 0];

/**
 * An SVG path in pixels of the map. The outermost pixels go on to the border; a cell with a value
 * that is not finite has no line.
 */
export function contourPath(
  values: ArrayLike<number>,
  height: number,
  width: number,
  level: number,
): string {
  const inside = (index: number, size: number) => Math.min(size - 1, Math.max(0, index));
  const place = (index: number, size: number) => Math.min(size, Math.max(0, index + 0.5));
  const corner = [0, 0, 0, 0];
  let path = "";

  /** Where the line crosses the side that begins at a corner. */
  function crossing(y: number, x: number, from: number): string {
    const to = (from + 1) % 4;
    const share = (level - corner[from]) / (corner[to] - corner[from]);
    const along = (steps: number[], origin: number, size: number) => {
      const start = place(origin + steps[from], size);
      return short(start + share * (place(origin + steps[to], size) - start));
    };
    return `${along(ACROSS, x, width)} ${along(DOWN, y, height)}`;
  }

  for (let y = -1; y < height; y++)
    for (let x = -1; x < width; x++) {
      let above = 0;
      for (let c = 0; c < 4; c++) {
        const row = inside(y + DOWN[c], height);
        corner[c] = values[row * width + inside(x + ACROSS[c], width)];
        if (corner[c] >= level) above |= 1 << c;
      }
      if (above === 0 || above === 15 || !corner.every(Number.isFinite)) continue;
      const isAbove = (c: number) => ((above >> (c % 4)) & 1) === 1;
      const sides = [0, 1, 2, 3].filter((side) => isAbove(side) !== isAbove(side + 1));
      // At a saddle the middle says which corners belong together.
      const joined = (corner[0] + corner[1] + corner[2] + corner[3]) / 4 >= level === isAbove(0);
      const order = sides.length === 4 && !joined ? [3, 0, 1, 2] : sides;
      for (let i = 0; i < order.length; i += 2)
        path += `M${crossing(y, x, order[i])}L${crossing(y, x, order[i + 1])}`;
    }
  return path;
}

const short = (value: number) => Math.round(value * 100) / 100;

/** Shares of the drawn scale at which "levels" are. */
const SHARES = [1 / 4, 1 / 2, 3 / 4];

/**
 * "levels": where the colours are a quarter, half and three quarters of their way, on both sides
 * of zero where numbers are signed. "tenth": around the tenth of the pixels with the largest
 * magnitude, as the figure of overlap counts them.
 */
export function contourLevels(
  values: ArrayLike<number>,
  domain: Domain,
  signed: boolean,
  bend: Bend,
  outline: Overlay["outline"],
): number[] {
  if (outline === "none") return [];
  if (outline === "tenth") {
    const level = quantile(finite(values).map(Math.abs), 0.9);
    return level > 0 ? (signed ? [-level, level] : [level]) : [];
  }
  const shares = SHARES.map((share) => unbent(share, bend));
  if (!signed) return shares.map((share) => domain.lo + share * (domain.hi - domain.lo));
  return [
    ...shares.map((share) => -share * domain.hi),
    ...shares.map((share) => share * domain.hi),
  ];
}

/** The share whose bent share this is; both grow together. */
function unbent(share: number, bend: Bend): number {
  let [low, high] = [0, 1];
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2;
    if (bent(middle, bend) < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

export function contours(
  values: ArrayLike<number>,
  height: number,
  width: number,
  levels: number[],
): ContourLevel[] {
  return levels
    .map((level) => ({ level, path: contourPath(values, height, width, level) }))
    .filter(({ path }) => path !== "");
}
