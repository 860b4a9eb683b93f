/** The slices of a volume as grey pictures. */

import { lengthOf } from "./axes";
import type { Raw } from "./entries";
import type { Picture } from "./picture";
import { planesOf, planeValues } from "./planes";
import { extent } from "./statistics";

/**
 * The slice of a volume on which slice `index` of `count` of a map lies, the middle one of several.
 *
 * Black is the smallest value of the whole volume, white the largest; of several channels the first.
 */
export function sliceUnder(axes: string[], raw: Raw, index: number, count: number): Picture {
  const planes = planesOf(axes, raw.shape);
  const depth = lengthOf("slices", axes, raw.shape);
  const slice = Math.floor(((index + 0.5) * depth) / count);
  const wanted = Array.from({ length: planes.count }, (_, p) => p).find((p) =>
    planes.numbers(p).every(([axis, at]) => at === (axis === "depth" ? slice : 0)),
  );
  const values = planeValues(raw.values, planes, wanted ?? 0);
  const [lo, hi] = extent(raw.values);
  const pixels = Uint8Array.from(values, (value) => (255 * (value - lo)) / (hi - lo || 1));
  return { height: planes.height, width: planes.width, channels: 1, pixels };
}
