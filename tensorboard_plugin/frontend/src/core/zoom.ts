/** Which part of a picture its panes show, the same in all of them. */

/** A point of a picture, as shares of its width and height. */
export interface Point {
  x: number;
  y: number;
}

/** The part in sight: its upper left corner, and its side as a share of the picture's. */
export interface Box extends Point {
  size: number;
}

export const WHOLE: Box = { x: 0, y: 0, size: 1 };
/** A 32nd of the picture's side: seven pixels of one of 224. */
export const SMALLEST = 1 / 32;

function clamped({ x, y, size }: Box): Box {
  const side = Math.min(1, Math.max(SMALLEST, size));
  const within = (at: number) => Math.min(1 - side, Math.max(0, at));
  return { x: within(x), y: within(y), size: side };
}

/** Zoom in by `factor`; the picture's `point` stays where it is on the screen. */
export function zoomAt(box: Box, point: Point, factor: number): Box {
  const size = Math.min(1, Math.max(SMALLEST, box.size / factor));
  const kept = size / box.size;
  return clamped({
    x: point.x - (point.x - box.x) * kept,
    y: point.y - (point.y - box.y) * kept,
    size,
  });
}

/** Move the picture by shares of the pane. */
export function pan(box: Box, right: number, down: number): Box {
  return clamped({ ...box, x: box.x - right * box.size, y: box.y - down * box.size });
}

/** Move the box as little as brings `point` into sight. */
export function reveal(box: Box, { x, y }: Point): Box {
  const near = (from: number, at: number) => Math.min(at, Math.max(from, at - box.size));
  return clamped({ ...box, x: near(box.x, x), y: near(box.y, y) });
}

/** The picture's point below a place of the pane. */
export function pictureAt(box: Box, pane: Point): Point {
  return { x: box.x + pane.x * box.size, y: box.y + pane.y * box.size };
}

/** Where a point of the picture lies in the pane; outside of [0, 1] it is out of sight. */
export function paneAt(box: Box, point: Point): Point {
  return { x: (point.x - box.x) / box.size, y: (point.y - box.y) / box.size };
}

/** The point itself where it is in sight, else the middle of what is. */
export function within(box: Box, point: Point): Point {
  const { x, y } = paneAt(box, point);
  const isIn = x >= 0 && x <= 1 && y >= 0 && y <= 1;
  return isIn ? point : pictureAt(box, { x: 0.5, y: 0.5 });
}

/** What scales a picture of the pane's size, held by its upper left corner, to the box. */
export function transformOf({ x, y, size }: Box): string {
  if (size === 1) return "none";
  return `scale(${1 / size}) translate(${-100 * x}%, ${-100 * y}%)`;
}

/** The box in an address; nothing for the whole picture. */
export function boxText({ x, y, size }: Box): string {
  if (size === 1) return "";
  return [x, y, size].map((share) => String(Math.round(share * 1e5) / 1e5)).join("_");
}

export function boxOf(text: string): Box {
  if (!/^[\d.]+(_[\d.]+){2}$/.test(text)) return WHOLE;
  const [x, y, size] = text.split("_").map(Number);
  return [x, y, size].every(Number.isFinite) ? clamped({ x, y, size }) : WHOLE;
}
