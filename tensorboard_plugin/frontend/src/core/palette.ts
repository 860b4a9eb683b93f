/** Colours and marks of classes: no two of the first ten share both. */

export type Rgb = readonly [red: number, green: number, blue: number];

/** Okabe and Ito's colours, which colour-blind people tell apart, and two more. */
const COLOURS: readonly Rgb[] = [
  [0, 114, 178],
  [230, 159, 0],
  [0, 158, 115],
  [204, 121, 167],
  [86, 180, 233],
  [213, 94, 0],
  [148, 138, 26],
  [136, 86, 190],
  [120, 120, 130],
  [170, 50, 80],
];

/** Marks in a box from -1 to 1, of like areas. */
const MARKS = [
  "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0 -2 0Z",
  "M-.9 -.9H.9V.9H-.9Z",
  "M0 -1.2L1.15 .85H-1.15Z",
  "M0 -1.25L1.25 0L0 1.25L-1.25 0Z",
  "M-.4 -1.15H.4V-.4H1.15V.4H.4V1.15H-.4V.4H-1.15V-.4H-.4Z",
] as const;

export function classColour(index: number): Rgb {
  return COLOURS[((index % COLOURS.length) + COLOURS.length) % COLOURS.length];
}

export function classMark(index: number): string {
  return MARKS[((index % MARKS.length) + MARKS.length) % MARKS.length];
}

export function css([red, green, blue]: Rgb): string {
  return `rgb(${red} ${green} ${blue})`;
}

/** `share` of the colour over the ground. */
export function mixed(colour: Rgb, ground: Rgb, share: number): Rgb {
  return [0, 1, 2].map((c) =>
    Math.round(colour[c] * share + ground[c] * (1 - share)),
  ) as unknown as Rgb;
}

/** Whether black is read better than white on this colour (relative luminance, WCAG 2). */
export function isLight([red, green, blue]: ArrayLike<number> & Iterable<number>): boolean {
  const linear = (c: number) => (c <= 10 ? c / 3294 : ((c / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue) > 0.179;
}
