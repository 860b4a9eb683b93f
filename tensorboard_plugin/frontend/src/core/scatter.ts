/** Points in the plane: where they are drawn, and which one is near. */

export interface Box {
  width: number;
  height: number;
}

export interface Place {
  x: number;
  y: number;
}

export interface Extent {
  x: [lo: number, hi: number];
  y: [lo: number, hi: number];
}

/** The unit square, on which a plane of decisions lies. */
export const UNIT: Extent = { x: [0, 1], y: [0, 1] };

/** What holds all finite points, with a margin; the same at every step, so that motion is real. */
export function extentOf(places: Iterable<Place | undefined>, margin = 0.05): Extent {
  const x: [number, number] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const y: [number, number] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const place of places) {
    if (!place || !isPlace(place)) continue;
    x[0] = Math.min(x[0], place.x);
    x[1] = Math.max(x[1], place.x);
    y[0] = Math.min(y[0], place.y);
    y[1] = Math.max(y[1], place.y);
  }
  if (x[0] > x[1]) return UNIT;
  const widened = ([lo, hi]: [number, number]): [number, number] => {
    const by = hi > lo ? (hi - lo) * margin : 0.5;
    return [lo - by, hi + by];
  };
  return { x: widened(x), y: widened(y) };
}

export function isPlace({ x, y }: Place): boolean {
  return Number.isFinite(x) && Number.isFinite(y);
}

/**
 * Draws one unit as long across as down, in the middle of the box; y grows upwards, or downwards
 * as the rows of a picture do.
 */
export function projector(
  { x, y }: Extent,
  { width, height }: Box,
  down = false,
): (place: Place) => Place {
  const unit = Math.min(width / (x[1] - x[0]), height / (y[1] - y[0]));
  const left = (width - unit * (x[1] - x[0])) / 2;
  const top = (height - unit * (y[1] - y[0])) / 2;
  return (place) => ({
    x: left + (place.x - x[0]) * unit,
    y: top + (down ? place.y - y[0] : y[1] - place.y) * unit,
  });
}

/** Index of the nearest drawn point within `reach` pixels; -1 where there is none. */
export function nearest(places: (Place | undefined)[], to: Place, reach: number): number {
  let best = -1;
  let least = reach;
  places.forEach((place, i) => {
    const distance = place ? Math.hypot(place.x - to.x, place.y - to.y) : Number.NaN;
    if (distance <= least) {
      least = distance;
      best = i;
    }
  });
  return best;
}

/** A line through the places; it breaks where one is missing. */
export function trailPath(places: (Place | undefined)[]): string {
  let path = "";
  let pen = "M";
  for (const place of places) {
    const known = place !== undefined && isPlace(place);
    if (known) path += `${pen}${place.x.toFixed(1)} ${place.y.toFixed(1)}`;
    pen = known ? "L" : "M";
  }
  return path;
}
