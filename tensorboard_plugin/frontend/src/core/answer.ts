/** An answer at many positions as something to look at: a mask of classes, a picture, or a curve. */

import { classColour } from "./palette";
import { hasClasses, isDense } from "./task";
import type { Task } from "./types";
import type { Bundle, Numbers } from "./wire";

/** What the model returned for one example at one step. */
export interface Answer {
  values: Numbers;
  truth: Numbers;
  /** Of classes, the number that stands for none. */
  none: number | undefined;
}

export type AnswerForm = "mask" | "picture" | "curve";

/** How an answer can be drawn; null where its figures say all, or where there is no picture of it. */
export function answerForm(task: Task, listed: number): AnswerForm | null {
  const { length } = task.shape;
  const outputs = task.shape[length - 1];
  if (hasClasses(task)) return length === 2 || length === 3 ? "mask" : null;
  if (task.kind !== "numbers") return null;
  if (length === 3) return outputs === 1 || outputs === 3 ? "picture" : null;
  if (length === 2) return "curve";
  return !isDense(task) && outputs > listed ? "curve" : null;
}

/** Height and width of a mask or picture; along one position it is a strip. */
export function sidesOf({ shape }: Task): { height: number; width: number } {
  const positions = shape.slice(0, -1);
  return positions.length === 1
    ? { height: 1, width: positions[0] }
    : { height: positions[0], width: positions[1] };
}

/** The replies of one request, by step and row. */
export function answersOf(bundle: Bundle): { step: number; row: number; answer: Answer }[] {
  const steps = bundle.header.steps as number[];
  const rows = bundle.header.rows as number[];
  const said = bundle.arrays.get("predicted") ?? bundle.arrays.get("values");
  const truth = bundle.arrays.get("truth");
  if (!said || !truth) return [];
  const size = said.values.length / Math.max(1, steps.length * rows.length);
  const own = truth.values.length / Math.max(1, rows.length);
  const none = bundle.header.none as number | undefined;
  return steps.flatMap((step, i) =>
    rows.map((row, j) => ({
      step,
      row,
      answer: {
        values: part(said.values, i * rows.length + j, size),
        truth: part(truth.values, j, own),
        none,
      },
    })),
  );
}

function part(values: Numbers, at: number, size: number): Numbers {
  return values.subarray(at * size, (at + 1) * size);
}

/** Fill `pixels` with the colours of classes; of `only` one where a person has chosen it. */
export function paintMask(
  classes: Numbers,
  none: number | undefined,
  only: number | null,
  pixels: Uint8ClampedArray,
): void {
  for (let i = 0; i < classes.length; i++) {
    const index = classes[i];
    const shown = index !== none && index >= 0 && (only === null || index === only);
    if (shown) pixels.set(classColour(index), i * 4);
    pixels[i * 4 + 3] = shown ? 255 : 0;
  }
}

/** The places where something else is true: 1, and 0 where that is predicted, -1 where nothing is known. */
export function wrongPlaces({ values, truth, none }: Answer): Int32Array {
  return Int32Array.from(values, (index, i) =>
    truth[i] === none || truth[i] < 0 ? -1 : Number(index !== truth[i]),
  );
}

/** Fill `pixels` with numbers in grey, or in red, green and blue, from `lo` to `hi`. */
export function paintValues(
  values: Numbers,
  outputs: number,
  lo: number,
  hi: number,
  pixels: Uint8ClampedArray,
): void {
  const span = hi > lo ? hi - lo : 1;
  for (let i = 0; i < values.length / outputs; i++) {
    for (let c = 0; c < 3; c++) {
      const value = values[i * outputs + (outputs === 3 ? c : 0)];
      pixels[i * 4 + c] = (255 * (value - lo)) / span;
    }
    const known = Number.isFinite(values[i * outputs]);
    pixels[i * 4 + 3] = known ? 255 : 0;
  }
}
