/** Values between values. */

/** Side that an interpolated map is brought to, about. */
const TARGET = 480;

/** How many times finer a map is drawn where it is interpolated. */
export function finenessOf(height: number, width: number): number {
  return Math.max(1, Math.round(TARGET / Math.max(height, width, 1)));
}

interface Between {
  below: number;
  above: number;
  share: number;
}

/** Where each fine value lies between the coarse ones; the outermost stay beyond the last middle. */
function places(count: number, fineness: number): Between[] {
  return Array.from({ length: count * fineness }, (_, i) => {
    const at = Math.min(count - 1, Math.max(0, (i + 0.5) / fineness - 0.5));
    const below = Math.floor(at);
    return { below, above: Math.min(count - 1, below + 1), share: at - below };
  });
}

/**
 * Interpolate the numbers, not the colours, so that the colour scale stays true.
 *
 * As `scipy.ndimage.zoom(values, fineness, order=1, mode="nearest", grid_mode=True)`.
 */
export function bilinear(
  values: ArrayLike<number>,
  height: number,
  width: number,
  fineness: number,
): Float32Array {
  const across = places(width, fineness);
  const result = new Float32Array(height * width * fineness * fineness);
  let at = 0;
  for (const { below, above, share } of places(height, fineness))
    for (const column of across) {
      const along = (row: number) => {
        const left = values[row * width + column.below];
        const right = values[row * width + column.above];
        return column.share ? left * (1 - column.share) + right * column.share : left;
      };
      const upper = along(below);
      result[at++] = share ? upper * (1 - share) + along(above) * share : upper;
    }
  return result;
}
