/** Which frames of a long run a filmstrip shows. */

export interface Frame {
  index: number;
  /** Steps that are not shown between the frame before and this one. */
  hidden: number;
}

/**
 * Choose at most `room` of `count` steps: the first, the last and the `fixed`
 * ones (current, A, B) always, then those with the largest change, then the
 * middles of the widest gaps.
 */
export function chooseFrames(
  count: number,
  room: number,
  change: ArrayLike<number>,
  fixed: number[] = [],
): Frame[] {
  const chosen = new Set<number>();
  if (count > 0)
    for (const index of [0, count - 1, ...fixed])
      if (index >= 0 && index < count) chosen.add(index);
  if (count <= room) for (let i = 0; i < count; i++) chosen.add(i);
  const half = chosen.size + Math.max(0, Math.ceil((room - chosen.size) / 2));
  for (const index of largest(change, count)) {
    if (chosen.size >= half) break;
    chosen.add(index);
  }
  while (chosen.size < Math.min(room, count)) {
    const middle = middleOfWidestGap([...chosen].sort((a, b) => a - b));
    if (middle === undefined) break;
    chosen.add(middle);
  }
  const sorted = [...chosen].sort((a, b) => a - b);
  return sorted.map((index, i) => ({ index, hidden: i ? index - sorted[i - 1] - 1 : 0 }));
}

/** Widths in pixels of a frame with its margin, and of the number printed on a gap. */
export const FRAME_WIDTH = 56;
export const GAP_WIDTH = 24;

/** Choose as many frames as fit into `width` pixels, the gaps between them counted. */
export function fittingFrames(
  width: number,
  count: number,
  change: ArrayLike<number>,
  fixed: number[] = [],
): Frame[] {
  let room = Math.max(2, Math.floor(width / FRAME_WIDTH));
  for (;;) {
    const frames = chooseFrames(count, room, change, fixed);
    const gaps = frames.filter(({ hidden }) => hidden > 0).length;
    if (frames.length * FRAME_WIDTH + gaps * GAP_WIDTH <= width || room <= 2) return frames;
    room--;
  }
}

/** A part of a run, by the indices of its first and last step. */
export interface Span {
  from: number;
  to: number;
}

/** The frames of a part of a run; its first and last step are always among them. */
export function framesWithin(
  { from, to }: Span,
  width: number,
  change: ArrayLike<number>,
  fixed: number[],
): Frame[] {
  const count = Math.max(0, to - from + 1);
  const own = Float32Array.from({ length: count }, (_, i) => change[from + i] ?? Number.NaN);
  const inside = fixed.map((index) => index - from);
  return fittingFrames(width, count, own, inside).map(({ index, hidden }) => ({
    index: index + from,
    hidden,
  }));
}

/** Room in pixels before the middle of a frame, from the row's beginning or from its gap. */
export const HALF_FRAME = 27;

/** Where the middle of each frame lies in a row of `width` pixels that it fills evenly. */
export function frameMiddles(frames: Frame[], width: number): number[] {
  const gapOf = ({ hidden }: Frame) => (hidden > 0 ? GAP_WIDTH : 0);
  const widths = frames.map((frame) => gapOf(frame) + 2 * HALF_FRAME);
  const rest = width - widths.reduce((sum, each) => sum + each, 0);
  const between = frames.length > 1 ? Math.max(2, rest / (frames.length - 1)) : 0;
  let left = 0;
  return frames.map((frame, i) => {
    const middle = left + gapOf(frame) + HALF_FRAME;
    left += widths[i] + between;
    return middle;
  });
}

/**
 * Where every step from the first frame to the last lies, as shares from the middle of the one to
 * the middle of the other: those with a frame below it, hidden ones evenly between.
 */
export function stepPlaces(frames: Frame[], width: number): Float32Array {
  if (frames.length < 2) return Float32Array.from(frames, () => 0.5);
  const middles = frameMiddles(frames, width);
  const [start, end] = [middles[0], middles[middles.length - 1]];
  const first = frames[0].index;
  const places = new Float32Array(frames[frames.length - 1].index - first + 1);
  for (let i = 1; i < frames.length; i++) {
    const [from, to] = [frames[i - 1].index, frames[i].index];
    for (let at = from; at <= to; at++) {
      const share = (at - from) / (to - from);
      const x = middles[i - 1] + share * (middles[i] - middles[i - 1]);
      places[at - first] = (x - start) / (end - start);
    }
  }
  return places;
}

function largest(change: ArrayLike<number>, count: number): number[] {
  return Array.from({ length: Math.min(count, change.length) }, (_, i) => i)
    .filter((i) => change[i] > 0)
    .sort((a, b) => change[b] - change[a] || a - b);
}

function middleOfWidestGap(sorted: number[]): number | undefined {
  let widest = 1;
  let middle: number | undefined;
  for (let i = 1; i < sorted.length; i++) {
    const gap = sorted[i] - sorted[i - 1];
    if (gap > widest) {
      widest = gap;
      middle = sorted[i - 1] + Math.floor(gap / 2);
    }
  }
  return middle;
}
