/** Lines of small charts, as SVG paths in a box of 1000 x 100. */

export const BOX = { width: 1000, height: 100 } as const;

export function xOf(index: number, count: number): number {
  return count > 1 ? (index / (count - 1)) * BOX.width : BOX.width / 2;
}

/** Points lie evenly, or at the shares of the width that are given. */
function along(count: number, places?: ArrayLike<number>): (index: number) => number {
  return (index) => (places ? places[index] * BOX.width : xOf(index, count));
}

export function yOf(value: number, lo: number, hi: number): number {
  const share = hi > lo ? (value - lo) / (hi - lo) : 0.5;
  return BOX.height * (1 - Math.min(1, Math.max(0, share)));
}

interface Drawn {
  /** About how many points a long series keeps. */
  most?: number;
  /** Where each value stands, as a share of the width; by default evenly. */
  places?: ArrayLike<number>;
  /** Indices before which there is a gap that no line crosses. */
  breaks?: ReadonlySet<number>;
}

/** Return a path that breaks where a value is missing. Long series keep each bin's low and high. */
export function linePath(
  values: ArrayLike<number>,
  lo: number,
  hi: number,
  { most = 1500, places, breaks = new Set<number>() }: Drawn = {},
): string {
  const x = along(values.length, places);
  let last = 0;
  let path = "";
  let pen = "M";
  for (const index of kept(values, most)) {
    if (!Number.isFinite(values[index])) {
      pen = "M";
      continue;
    }
    for (let i = last + 1; i <= index && pen === "L"; i++) if (breaks.has(i)) pen = "M";
    last = index;
    path += `${pen}${round(x(index))} ${round(yOf(values[index], lo, hi))}`;
    if (pen === "M") path += "h0"; // a lone point is a dot, for the caps are round
    pen = "L";
  }
  return path;
}

/** Close a line down to the floor. */
export function areaPath(
  values: ArrayLike<number>,
  lo: number,
  hi: number,
  { most = 1500, places, breaks = new Set<number>() }: Drawn = {},
): string {
  const x = along(values.length, places);
  let path = "";
  let last = -1;
  const close = () => (last < 0 ? "" : `L${round(x(last))} ${BOX.height}Z`);
  for (const index of kept(values, most)) {
    if (!Number.isFinite(values[index])) {
      path += close();
      last = -1;
      continue;
    }
    for (let i = last + 1; i <= index && last >= 0; i++)
      if (breaks.has(i)) {
        path += close();
        last = -1;
      }
    if (last < 0) path += `M${round(x(index))} ${BOX.height}`;
    path += `L${round(x(index))} ${round(yOf(values[index], lo, hi))}`;
    last = index;
  }
  return path + close();
}

function* kept(values: ArrayLike<number>, most: number): Generator<number> {
  const bin = Math.ceil(values.length / (most / 2));
  if (bin <= 1) {
    for (let i = 0; i < values.length; i++) yield i;
    return;
  }
  for (let start = 0; start < values.length; start += bin) {
    // A bin is missing where all of it is.
    let low = start;
    let high = start;
    for (let i = start; i < Math.min(start + bin, values.length); i++) {
      if (values[i] < values[low] || Number.isNaN(values[low])) low = i;
      if (values[i] > values[high] || Number.isNaN(values[high])) high = i;
    }
    yield Math.min(low, high);
    if (low !== high) yield Math.max(low, high);
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
