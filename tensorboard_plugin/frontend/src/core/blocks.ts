/** Two maps of different resolution on the grid of the coarser one. */

import { isSpace } from "./axes";
import { shownAxes, shownShape } from "./forms";
import type { RecordSpec } from "./types";

/** Why maps of two records have no common grid, in words; the server refuses the same. */
export function whyNoGrid(a: RecordSpec, b: RecordSpec): string {
  if (a.key === b.key && a.shape.join() === b.shape.join()) return "";
  if (a.input && b.input && a.input !== b.input)
    return `A lies on the input "${a.input}", B on "${b.input}": their places are not the same.`;
  const [axesA, axesB] = [shownAxes(a), shownAxes(b)];
  const along = (axes: string[]) => axes.join(" and ") || "no axis";
  if (axesA.join() !== axesB.join())
    return `A map of A goes along ${along(axesA)}, one of B along ${along(axesB)}: there is no common grid.`;
  const [shapeA, shapeB] = [shownShape(a), shownShape(b)];
  const factors = factorsOf(shapeA, shapeB) ?? factorsOf(shapeB, shapeA);
  if (factors?.every((factor, axis) => factor === 1 || isSpace(axesA[axis]))) return "";
  return (
    `A has ${shapeA.join("×")} values a map and B ${shapeB.join("×")}: ` +
    "one is no whole multiple of the other, so neither can be averaged onto the other."
  );
}

/** Return how many values of the large shape make one of the small, by axis; nothing if it is not whole. */
export function factorsOf(large: number[], small: number[]): number[] | undefined {
  if (large.length !== small.length) return undefined;
  const factors = large.map((length, axis) => length / small[axis]);
  return factors.every((factor) => Number.isInteger(factor) && factor > 0) ? factors : undefined;
}

/** Return the mean of every block of `factors` values, rounded once to float32 as NumPy does. */
export function areaMean(values: ArrayLike<number>, shape: number[], factors: number[]) {
  const small = shape.map((length, axis) => length / factors[axis]);
  const sums = new Float64Array(small.reduce((product, length) => product * length, 1));
  for (let i = 0; i < values.length; i++) {
    let rest = i;
    let at = 0;
    let stride = 1;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const place = rest % shape[axis];
      rest = (rest - place) / shape[axis];
      at += Math.floor(place / factors[axis]) * stride;
      stride *= small[axis];
    }
    sums[at] += values[i];
  }
  const count = values.length / sums.length;
  return { shape: small, values: Float32Array.from(sums, (sum) => sum / count) };
}
