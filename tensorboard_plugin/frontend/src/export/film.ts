/** Frames over time, whatever they are packed in. */

/** Draws a frame; all are of one size. */
export type Draw = (frame: number) => HTMLCanvasElement;

export interface FilmOptions {
  /** Milliseconds of each frame; the last one stays longer. */
  delay: number;
  onprogress: (share: number) => void;
  signal: AbortSignal;
}

const LAST = 1500;

/** Milliseconds that a frame is seen. */
export function timeOf(frame: number, count: number, delay: number): number {
  return frame === count - 1 ? Math.max(delay, LAST) : delay;
}
