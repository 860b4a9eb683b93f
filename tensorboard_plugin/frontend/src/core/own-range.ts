/** Pictures in their own range: what a unit wants to see has no scale to share. */

import { planesOf } from "./planes";
import { extent } from "./statistics";

export interface OwnPicture {
  height: number;
  width: number;
  channels: number;
  pixels: Uint8Array;
  lo: number;
  hi: number;
}

/** Grey of one channel, colours of three; of other numbers of channels the first. */
export function ownPicture(
  values: ArrayLike<number>,
  axes: string[],
  shape: number[],
): OwnPicture | undefined {
  const planes = planesOf(axes, shape);
  if (planes.kind !== "image") return undefined;
  const { height, width } = planes;
  const channels = planes.count === 3 ? 3 : 1;
  const [lo, hi] = extent(values);
  const pixels = new Uint8Array(height * width * channels);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < channels; c++) {
        const share = (values[planes.at(c, y, x)] - lo) / (hi - lo || 1);
        pixels[(y * width + x) * channels + c] = Number.isFinite(share)
          ? Math.round(share * 255)
          : 0;
      }
  return { height, width, channels, pixels, lo, hi };
}
