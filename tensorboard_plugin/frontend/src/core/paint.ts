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
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    const finite = Number.isFinite(value);
    const from = finite ? colourIndex(value, domain) * 4 : 0;
    for (let c = 0; c < 4; c++) pixels[i * 4 + c] = finite ? table[from + c] : NON_FINITE[c];
  }
}

/** Return a copy of `table` that lets the picture below shine through where there is little to show. */
export function overlayTable(table: Uint8ClampedArray, signed: boolean): Uint8ClampedArray {
  const result = new Uint8ClampedArray(table);
  for (let i = 0; i < 256; i++) {
    const strength = signed ? Math.abs(i - 127.5) / 127.5 : i / 255;
    result[i * 4 + 3] = Math.round(235 * strength ** 0.8);
  }
  return result;
}

/** A map without contrast is not stretched: it is called flat. */
export function isFlat({ lo, hi }: Domain): boolean {
  return !(hi > lo);
}
