/** A map in one sentence: what is heard where a picture cannot be seen. */

import { factsOf } from "./facts";
import { digits } from "./format";
import type { Planes } from "./planes";

const VERTICAL = ["upper", "middle", "lower"];
const HORIZONTAL = ["left", "centre", "right"];

export function placeOf(y: number, x: number, height: number, width: number): string {
  const third = (at: number, size: number) => Math.min(2, Math.floor((at * 3) / size));
  const across = HORIZONTAL[third(x, width)];
  if (height === 1) return across;
  const down = VERTICAL[third(y, height)];
  return down === "middle" && across === "centre" ? "centre" : `${down} ${across}`;
}

export function mapSentence(name: string, values: Float32Array, { height, width }: Planes): string {
  const { peak, broken } = factsOf(values);
  const more = broken ? `; ${broken} values are not finite` : "";
  if (peak < 0) return `${name}: no finite value${more}.`;
  const place = placeOf(Math.floor(peak / width), peak % width, height, width);
  return `${name}: peak ${digits(values[peak], 3)} at the ${place}${more}.`;
}
