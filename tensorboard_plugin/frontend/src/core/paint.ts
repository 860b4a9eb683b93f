/**
 * Numbers to pixels.
 *
 * index = clamp(floor((value - lo) / (hi - lo) * 255 + 0.5), 0, 255), in
 * double precision; RGBA = table[index]; not a number or infinite: magenta.
 * Tests render the same rule in NumPy and compare every pixel.
 */

export interface Domain {
  lo: number;
  hi: number;
}

export const NON_FINITE = [255, 0, 255, 255] as const;

export function colourIndex(value: number, { lo, hi }: Domain): number {
  const index = Math.floor(((value - lo) / (hi - lo)) * 255 + 0.5);
  return Math.max(0, Math.min(255, index));
}

/** Fill `pixels` (4 bytes each) with the colours of `values`. */
export function paint(
  values: ArrayLike<number>,
  domain: Domain,
  table: Uint8ClampedArray,
  pixels: Uint8ClampedArray,
): void {
  const colours = wordsOf(table);
  const words = wordsOf(pixels);
  const [none] = wordsOf(Uint8ClampedArray.from(NON_FINITE));
  const { lo, hi } = domain;
  const span = hi - lo;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    const index = ((value - lo) / span) * 255 + 0.5;
    // Within the scale to cut off is to floor: `colourIndex` in a third of the time.
    if (index >= 0 && index < 256) words[i] = colours[index | 0];
    else words[i] = Number.isFinite(value) ? colours[colourIndex(value, domain)] : none;
  }
}

/** Four bytes as one number, in whichever order this machine has them. */
function wordsOf({ buffer, byteOffset, length }: Uint8ClampedArray): Uint32Array {
  return new Uint32Array(buffer, byteOffset, length / 4);
}

/**
 * Diagonals over the pixels that are not finite, as an SVG path in pixels of the map: colour is
 * never the only sign. Neighbours along a diagonal share one line.
 */
export function hatchPath(values: ArrayLike<number>, height: number, width: number): string {
  let path = "";
  for (let sum = 0; sum < height + width - 1; sum++) {
    let length = 0;
    // Down to the left, one step beyond the last pixel.
    const last = Math.min(height - 1, sum);
    for (let y = Math.max(0, sum - width + 1); y <= last + 1; y++) {
      const broken = y <= last && !Number.isFinite(values[y * width + sum - y]);
      if (broken) length++;
      else if (length > 0) {
        path += `M${sum - y + 1} ${y}l${length} ${-length}`;
        length = 0;
      }
    }
  }
  return path;
}

/** A map without contrast is not stretched: it is called flat. */
export function isFlat({ lo, hi }: Domain): boolean {
  return !(hi > lo);
}

/** Less than float16 keeps apart: what is left is rounding. */
const ROUNDING = 2 ** -10;

/** Whether a map says nothing about where: its values are all but one and the same. */
export function isFlatMap(lo: number, hi: number): boolean {
  return hi - lo <= ROUNDING * Math.max(Math.abs(lo), Math.abs(hi));
}
