/** How a map of any axes is laid out as pictures: `count` planes of `height` x `width` pixels. */

import { isPlane, pictureAxes } from "./axes";

export interface Planes {
  height: number;
  width: number;
  count: number;
  /** What one plane is called, by its index. */
  axis: string | null;
  /** Of a plane, its index along each of the axes that number the planes. */
  numbers(p: number): [axis: string, index: number][];
  kind: "image" | "matrix" | "strip" | "number";
  /** Names of the axes drawn downwards and across. */
  rowAxis: string | null;
  columnAxis: string | null;
  /** Index of the value of plane `p` at row `y` and column `x`. */
  at(p: number, y: number, x: number): number;
}

const known = new Map<string, Planes>();

/**
 * Two axes make a picture, one a strip of height 1. Further axes ("channel",
 * "depth", the "in" and "out" of a kernel) number the planes.
 */
export function planesOf(axes: string[], shape: number[]): Planes {
  const id = `${axes} ${shape}`;
  const planes = known.get(id) ?? laidOut(axes, shape);
  known.set(id, planes);
  return planes;
}

function laidOut(axes: string[], shape: number[]): Planes {
  if (shape.length === 0) return strip(1, "number");
  const spatial = spatialAxes(axes, shape);
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
  const others = shape.map((_, i) => i).filter((i) => !spatial.includes(i));
  const count = others.reduce((product, i) => product * shape[i], 1);
  const [row, column] = spatial.length === 2 ? spatial : [-1, spatial[0]];
  const image = pictureAxes(axes) !== undefined;
  return {
    height: row < 0 ? 1 : shape[row],
    width: shape[column],
    count,
    axis: others.map((i) => axes[i]).join(", ") || null,
    kind: row < 0 ? "strip" : image ? "image" : "matrix",
    rowAxis: axes[row] ?? null,
    columnAxis: axes[column],
    numbers(p) {
      let rest = p;
      const found = others.toReversed().map((i): [string, number] => {
        const index = rest % shape[i];
        rest = Math.floor(rest / shape[i]);
        return [axes[i], index];
      });
      return found.reverse();
    },
    at(p, y, x) {
      let index = (row < 0 ? 0 : y * strides[row]) + x * strides[column];
      let rest = p;
      for (let i = others.length - 1; i >= 0; i--) {
        const size = shape[others[i]];
        index += (rest % size) * strides[others[i]];
        rest = Math.floor(rest / size);
      }
      return index;
    },
  };
}

function spatialAxes(axes: string[], shape: number[]): number[] {
  const picture = pictureAxes(axes);
  if (picture) return picture;
  const plain = shape.map((_, i) => i).filter((i) => !isPlane(axes[i]));
  if (plain.length >= 2) return plain.slice(-2);
  return plain.length === 1 ? plain : [shape.length - 1];
}

/** The shape that a map is shown in: its input's where it lies on a picture. */
export function aspectOf(
  planes: Planes | undefined,
  picture?: { height: number; width: number },
): string {
  if (picture) return `${picture.width} / ${picture.height}`;
  if (planes?.kind === "image") return `${planes.width} / ${planes.height}`;
  return planes?.kind === "strip" ? "6 / 1" : "1";
}

function strip(width: number, kind: Planes["kind"]): Planes {
  const at = (_p: number, _y: number, x: number) => x;
  const numbers = () => [];
  return {
    height: 1,
    width,
    count: 1,
    axis: null,
    numbers,
    kind,
    rowAxis: null,
    columnAxis: null,
    at,
  };
}

/** Return the values of plane `p`, row by row; where that is all there is, they are not copied. */
export function planeValues(values: ArrayLike<number>, planes: Planes, p: number): Float32Array {
  const { height, width } = planes;
  const isRowByRow = planes.at(0, 0, 1) === 1 || width === 1;
  if (planes.count === 1 && isRowByRow && values instanceof Float32Array) return values;
  const result = new Float32Array(height * width);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) result[y * width + x] = values[planes.at(p, y, x)];
  return result;
}
