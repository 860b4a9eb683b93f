/** A map in one sentence: what is heard where a picture cannot be seen. */

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

export function mapSentence(name: string, values: ArrayLike<number>, planes: Planes): string {
  let best = -1;
  let bad = 0;
  const { height, width } = planes;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) bad++;
    else if (best < 0 || Math.abs(values[i]) > Math.abs(values[best])) best = i;
  }
  const broken = bad ? `; ${bad} values are not finite` : "";
  if (best < 0) return `${name}: no finite value${broken}.`;
  const place = placeOf(Math.floor(best / width), best % width, height, width);
  return `${name}: peak ${digits(values[best], 3)} at the ${place}${broken}.`;
}
