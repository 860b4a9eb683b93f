/** Rows of a `maps` reply. */

import { type MapRow, STATUS } from "./types";
import { arrayOf, type Bundle } from "./wire";

/** Split a reply into its rows; value = stored number times the row's scale, rounded to float32. */
export function mapRows(bundle: Bundle): MapRow[] {
  const maps = arrayOf(bundle, "maps");
  const scale = arrayOf(bundle, "scale").values;
  const status = arrayOf(bundle, "status").values;
  const steps = bundle.header.steps as number[];
  const rows = bundle.header.rows as number[];
  const axes = bundle.header.axes as string[];
  const shape = maps.shape.slice(2);
  const size = shape.reduce((product, length) => product * length, 1);
  const result: MapRow[] = [];
  for (let s = 0; s < steps.length; s++) {
    for (let r = 0; r < rows.length; r++) {
      const at = s * rows.length + r;
      const times = scale[at];
      const values = maps.values.slice(at * size, (at + 1) * size) as Float32Array;
      // A power of two: the product is exact, and equal to NumPy's in any precision.
      if (times !== 1) for (let i = 0; i < size; i++) values[i] *= times;
      const code = STATUS[status[at]] ?? "damaged";
      result.push({ step: steps[s], row: rows[r], status: code, shape, axes, values });
    }
  }
  return result;
}
