/** How large the cards of a grid are: as their contents ask for. */

import { areLayers, pictureAxes } from "./axes";
import { barKindOf, isStrip, shownShape } from "./forms";
import type { InputSpec, RecordSpec } from "./types";

export interface Card {
  kind: "map" | "bars" | "tokens" | "line";
  cell: number;
  heightOf: (cell: number) => number;
  /** Bars drawn, the largest first. */
  most: number;
  /** Upright bars without names. */
  upright: boolean;
}

export const CELL = 168;
/** Padding, border and the two lines of text around a card's picture. */
const FRAME = { across: 18, down: 64 };
const LINE = 18;
/** Where words and bars would be covered, a line below them for what is said of a card. */
const MARKS = 22;
const MOST = 7;

export function cardOf(record: RecordSpec, input: InputSpec | undefined): Card {
  const kind = record.form === "bars" ? barKindOf(record, input) : "map";
  const [length] = shownShape(record);
  const upright = areLayers(record.axes);
  const most = length <= MOST ? MOST : MOST - 1;
  const inner = (cell: number) => cell - FRAME.across;
  const card = (cell: number, picture: (inner: number) => number): Card => ({
    kind,
    cell,
    heightOf: (width) => picture(inner(width)) + FRAME.down + (kind === "map" ? 0 : MARKS),
    most,
    upright,
  });
  if (kind === "bars" && upright) return card(200, () => 96);
  if (kind === "bars") return card(230, () => LINE * Math.min(length, MOST) + 2);
  if (kind === "tokens") return card(260, () => 22 * Math.ceil(Math.min(length, 24) / 4));
  const lines = input?.kind === "series" ? 52 : 0;
  if (kind === "line") return card(input ? 230 : CELL, (width) => width / 6 + lines);
  if (record.form === "pictures" && !pictureAxes(record.axes)) return card(230, () => 52);
  return card(CELL, (width) => width * ratioOf(record, input) + (isStrip(record) ? lines : 0));
}

/** Height over width of a card's picture. */
function ratioOf({ axes, shape }: RecordSpec, input: InputSpec | undefined): number {
  if (input?.kind === "image" && input.shape) return input.shape[0] / input.shape[1];
  const sides = pictureAxes(axes);
  return sides ? shape[sides[0]] / shape[sides[1]] : 1;
}
