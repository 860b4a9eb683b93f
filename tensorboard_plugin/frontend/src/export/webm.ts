/** Frames as a WebM, which the browser itself records: it takes as long as the film does. */

import { type Draw, type FilmOptions, timeOf } from "./film";
import { withDuration } from "./webm-duration";

const TYPES = ["video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm"];
/** Bits a second: a map's hard edges need more than a face. */
const RATE = 8_000_000;

/** The kind of WebM that this browser records, if it does. */
export function webmType(): string | undefined {
  if (!("MediaRecorder" in globalThis) || !("captureStream" in HTMLCanvasElement.prototype))
    return undefined;
  return TYPES.find((type) => MediaRecorder.isTypeSupported(type));
}

/** Record canvases of one size, each for its time. */
export async function webmOf(
  count: number,
  draw: Draw,
  { delay, onprogress, signal }: FilmOptions,
): Promise<ArrayBuffer> {
  const first = draw(0);
  const screen = document.createElement("canvas");
  screen.width = first.width;
  screen.height = first.height;
  const context = screen.getContext("2d");
  if (!context) throw new Error("This browser has no canvas to draw on.");
  context.drawImage(first, 0, 0);
  // Rate 0: a frame is taken where it is asked for, and nowhere else.
  const stream = screen.captureStream(0);
  const [track] = stream.getVideoTracks() as CanvasCaptureMediaStreamTrack[];
  const recorder = new MediaRecorder(stream, { mimeType: webmType(), videoBitsPerSecond: RATE });
  const parts: Blob[] = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const ended = new Promise<void>((resolve, reject) => {
    recorder.onstop = () => resolve();
    recorder.onerror = () => reject(new Error("This browser failed to record the film."));
  });
  ended.catch(() => {}); // it is awaited once the frames are through
  try {
    recorder.start();
    const began = performance.now();
    for (let frame = 0; frame < count; frame++) {
      if (frame > 0) context.drawImage(draw(frame), 0, 0);
      track.requestFrame();
      await pause(timeOf(frame, count, delay), signal);
      onprogress((frame + 1) / count);
    }
    const took = performance.now() - began;
    recorder.stop();
    await ended;
    return withDuration(await new Blob(parts).arrayBuffer(), took);
  } finally {
    if (recorder.state !== "inactive") recorder.stop();
    track.stop();
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}
