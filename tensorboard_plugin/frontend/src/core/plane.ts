/** A plane cut through the inputs, with the class that the network sees at each place. */

import { classColour, mixed, type Rgb } from "./palette";
import type { RecordSpec } from "./types";

export interface PlaneRecords {
  /** All planes of the method: classes, probabilities. */
  planes: RecordSpec[];
  /** Where the examples lie in it, where that is known. */
  points: RecordSpec | undefined;
}

/** What a method recorded about one plane, found from any of its records. */
export function planeRecords(records: RecordSpec[], record: RecordSpec): PlaneRecords | undefined {
  const same = records.filter(({ method }) => method === record.method);
  const planes = same.filter((each) => each.form === "plane");
  if (planes.length === 0) return undefined;
  return { planes, points: same.find((each) => each.form === "points") };
}

/** Whether it has the index of a class at each place: a prediction without a unit. */
export function areClasses({ quantity, unit }: RecordSpec): boolean {
  return quantity === "prediction" && unit === "none";
}

/** Fill `pixels` with each place's class: pale where the network is not sure. */
export function paintClasses(
  classes: ArrayLike<number>,
  sureness: ArrayLike<number> | undefined,
  ground: Rgb,
  pixels: Uint8ClampedArray,
): void {
  const count = new Set(Array.from(classes)).size;
  const least = 1 / Math.max(2, count);
  for (let i = 0; i < classes.length; i++) {
    const sure = sureness ? (sureness[i] - least) / (1 - least) : 1;
    const share = 0.2 + 0.55 * Math.min(1, Math.max(0, Number.isFinite(sure) ? sure : 0));
    pixels.set(mixed(classColour(classes[i]), ground, share), i * 4);
    pixels[i * 4 + 3] = 255;
  }
}

/** The lines between places of different classes, as a path over `width` x `height` squares. */
export function borderPath(classes: ArrayLike<number>, height: number, width: number): string {
  let path = "";
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      if (x + 1 < width && classes[at] !== classes[at + 1]) path += `M${x + 1} ${y}v1`;
      if (y + 1 < height && classes[at] !== classes[at + width]) path += `M${x} ${y + 1}h1`;
    }
  return path;
}
