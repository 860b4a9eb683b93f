/** What lies under the cursor. */

import type { Planes } from "./planes";
import type { Point } from "./zoom";

export interface Pixel {
  row: number;
  column: number;
}

/** The cell of a map at a point of its picture; maps of other shapes have another one there. */
export function cellAt({ x, y }: Point, height: number, width: number): Pixel {
  const at = (share: number, size: number) =>
    Math.max(0, Math.min(size - 1, Math.floor(share * size)));
  return { row: at(y, height), column: at(x, width) };
}

/** The middle of a cell. */
export function pointOf({ row, column }: Pixel, height: number, width: number): Point {
  return { x: (column + 0.5) / width, y: (row + 0.5) / height };
}

/** The cell so many rows and columns on, inside of the map. */
export function moved(
  { row, column }: Pixel,
  rows: number,
  columns: number,
  height: number,
  width: number,
): Pixel {
  return {
    row: Math.max(0, Math.min(height - 1, row + rows)),
    column: Math.max(0, Math.min(width - 1, column + columns)),
  };
}

/** Return the pixel with the largest magnitude: where the cursor rests until it is moved. */
export function peakOf(values: ArrayLike<number>, width: number): Pixel {
  let best = 0;
  for (let i = 0; i < values.length; i++)
    if (Math.abs(values[i]) > Math.abs(values[best]) || !Number.isFinite(values[best])) best = i;
  return { row: Math.floor(best / width), column: best % width };
}

/**
 * Return the raw input values below a pixel of a map. A map that is coarser
 * than the input names the input pixel at the middle of the map's pixel.
 */
export function inputUnder(
  pixel: Pixel,
  planes: Planes,
  input: { shape: number[]; values: ArrayLike<number> },
): number[] {
  const { shape, values } = input;
  const along = (at: number, from: number, to: number) => Math.floor(((at + 0.5) / from) * to);
  if (planes.kind === "image" && shape.length >= 2) {
    const [height, width] = shape;
    const channels = shape[2] ?? 1;
    const y = along(pixel.row, planes.height, height);
    const x = along(pixel.column, planes.width, width);
    return Array.from({ length: channels }, (_, c) => values[(y * width + x) * channels + c]);
  }
  const [length] = shape;
  const channels = shape[1] ?? 1;
  // A picture over (time, feature) names one value, a strip over time all channels.
  if (planes.kind === "matrix" && shape.length === 2)
    return [
      values[
        along(pixel.row, planes.height, length) * channels +
          along(pixel.column, planes.width, channels)
      ],
    ];
  const at = along(pixel.column, planes.width, length);
  return Array.from({ length: channels }, (_, c) => values[at * channels + c]);
}
