/** Frames as a GIF that repeats. */

import { applyPalette, GIFEncoder, quantize } from "gifenc";
import { type Draw, type FilmOptions, timeOf } from "./film";

/** Most milliseconds of work before the page may draw again. */
const PATIENCE = 40;

/** Encode canvases of one size, drawn one after the other. */
export async function gifOf(
  count: number,
  draw: Draw,
  { delay, onprogress, signal }: FilmOptions,
): Promise<Uint8Array> {
  const gif = GIFEncoder();
  let rested = performance.now();
  for (let frame = 0; frame < count; frame++) {
    const canvas = draw(frame);
    const { data, width, height } = pixelsOf(canvas);
    const palette = quantize(data, 256);
    const frameDelay = timeOf(frame, count, delay);
    gif.writeFrame(applyPalette(data, palette), width, height, { palette, delay: frameDelay });
    onprogress((frame + 1) / count);
    if (performance.now() - rested > PATIENCE) {
      await new Promise((resume) => setTimeout(resume));
      rested = performance.now();
    }
    signal.throwIfAborted();
  }
  gif.finish();
  return gif.bytes();
}

function pixelsOf(canvas: HTMLCanvasElement): ImageData {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("This browser has no canvas to draw on.");
  return context.getImageData(0, 0, canvas.width, canvas.height);
}
