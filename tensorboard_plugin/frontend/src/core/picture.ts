/** An input as a picture, as it is sent. */

export interface Picture {
  height: number;
  width: number;
  channels: number;
  pixels: Uint8Array;
}

/** Fill `rgba` with the picture; one of a single channel is grey. */
export function paintPicture(picture: Picture, rgba: Uint8ClampedArray): void {
  const { height, width, channels, pixels } = picture;
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) rgba[i * 4 + c] = pixels[i * channels + (channels >= 3 ? c : 0)];
    rgba[i * 4 + 3] = 255;
  }
}
