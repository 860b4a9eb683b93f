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
