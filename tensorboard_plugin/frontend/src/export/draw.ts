/** Plates on a canvas. */

import { colourTable, evenTable, recipeOf } from "../core/colours";
import { contourLevels, contourPath } from "../core/contour";
import { digits } from "../core/format";
import { outlineOf, overlayTable } from "../core/overlay";
import { isFlat, paint } from "../core/paint";
import { type Picture, paintPicture } from "../core/picture";
import { scaleTicks } from "../core/ticks";
import { type Box, commonScale, LINE, MARGIN, type Plate, plateLayout, type Tile } from "./plate";

export interface Ink {
  paper: string;
  text: string;
  dim: string;
  empty: string;
}

export const INKS: Record<"light" | "dark", Ink> = {
  light: { paper: "#ffffff", text: "#1d2129", dim: "#5a6270", empty: "#e4e7ec" },
  dark: { paper: "#1b1f27", text: "#e8eaee", dim: "#a3abb8", empty: "#2c323d" },
};

const FONT = "system-ui, sans-serif";

function canvasOf(width: number, height: number): [HTMLCanvasElement, CanvasRenderingContext2D] {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("This browser has no canvas to draw on.");
  return [canvas, context];
}

/** Draw a plate whose tiles are `cell` pixels wide. */
export function drawPlate(plate: Plate, cell: number, ink: Ink): HTMLCanvasElement {
  const aspect = aspectOf(plate.tiles[0]);
  const layout = plateLayout(plate.tiles.length, aspect, cell, plate.lines.length);
  const [canvas, context] = canvasOf(layout.width, layout.height);
  context.fillStyle = ink.paper;
  context.fillRect(0, 0, layout.width, layout.height);
  write(context, plate.title, MARGIN, MARGIN + 16, layout.width - 2 * MARGIN, ink.text, 600, 16);
  plate.tiles.forEach((tile, i) => {
    const box = layout.tiles[i];
    drawTile(context, tile, box, ink);
    write(context, tile.title, box.x, box.y + box.height + LINE - 3, box.width, ink.text, 600);
    write(context, tile.note, box.x, box.y + box.height + 2 * LINE - 4, box.width, ink.dim);
  });
  drawScale(context, plate.tiles, layout.scale, ink);
  plate.lines.forEach((line, i) => {
    const y = layout.lines + (i + 1) * LINE - 5;
    write(context, line, MARGIN, y, layout.width - 2 * MARGIN, ink.dim);
  });
  return canvas;
}

/** Height over width of a tile: of its picture, or its pixels; a strip gets a sixth. */
function aspectOf(tile: Tile | undefined): number {
  if (!tile) return 1;
  const { height, width } = tile.picture ?? tile;
  return height === 1 ? 1 / 6 : Math.min(3, height / width);
}

function write(
  context: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  room: number,
  colour: string,
  weight = 400,
  size = 12,
): void {
  context.font = `${weight} ${size}px ${FONT}`;
  context.fillStyle = colour;
  context.textAlign = "left";
  let shown = text;
  while (shown.length > 1 && context.measureText(shown).width > room)
    shown = `${shown.replace(/…$/, "").slice(0, -1)}…`;
  context.fillText(shown, x, y);
}

function drawTile(context: CanvasRenderingContext2D, tile: Tile, box: Box, ink: Ink): void {
  const { values, picture, height, width, domain, colours, signed } = tile;
  const mode = picture ? tile.overlay.mode : "map";
  context.fillStyle = ink.empty;
  context.fillRect(box.x, box.y, box.width, box.height);
  context.imageSmoothingEnabled = false;
  if (picture && mode !== "map") {
    if (mode === "overlay") context.filter = "grayscale(1)";
    context.drawImage(pictureCanvas(picture), box.x, box.y, box.width, box.height);
    context.filter = "none";
  }
  if (!values || mode === "input" || isFlat(domain)) return;
  if (mode !== "contour") {
    const table =
      mode === "overlay" ? overlayTable(colours, signed, tile.overlay) : colourTable(colours);
    const [map, own] = canvasOf(width, height);
    const image = own.createImageData(width, height);
    paint(values, domain, table, image.data);
    own.putImageData(image, 0, 0);
    context.drawImage(map, box.x, box.y, box.width, box.height);
  }
  const outline = outlineOf({ ...tile.overlay, mode });
  const levels = contourLevels(values, domain, signed, recipeOf(colours).bend, outline);
  if (height > 1)
    for (const level of levels)
      strokePath(context, contourPath(values, height, width, level), tile, box, level);
}

/** A light line on a dark one, so that it is seen on any colour. */
function strokePath(
  context: CanvasRenderingContext2D,
  path: string,
  { height, width }: Tile,
  box: Box,
  level: number,
): void {
  const scaled = new Path2D();
  const scale = new DOMMatrix().scale(box.width / width, box.height / height);
  scaled.addPath(new Path2D(path), new DOMMatrix().translate(box.x, box.y).multiply(scale));
  context.setLineDash(level < 0 ? [4, 3] : []);
  for (const [colour, size] of [["#000", 2.5] as const, ["#fff", 1.2] as const]) {
    context.strokeStyle = colour;
    context.lineWidth = size;
    context.stroke(scaled);
  }
  context.setLineDash([]);
}

function pictureCanvas(picture: Picture) {
  const [canvas, context] = canvasOf(picture.width, picture.height);
  const image = context.createImageData(picture.width, picture.height);
  paintPicture(picture, image.data);
  context.putImageData(image, 0, 0);
  return canvas;
}

/** The bar of colours; with numbers only where they are those of every tile. */
function drawScale(context: CanvasRenderingContext2D, tiles: Tile[], box: Box, ink: Ink): void {
  const [first] = tiles.filter(({ values }) => values);
  if (!first) return;
  const common = commonScale(tiles.filter(({ values }) => values));
  const table = colourTable(evenTable(first.colours));
  for (let x = 0; x < box.width; x++) {
    const at = Math.round((x / (box.width - 1)) * 255) * 4;
    context.fillStyle = `rgb(${table[at]} ${table[at + 1]} ${table[at + 2]})`;
    context.fillRect(box.x + x, box.y, 1, box.height);
  }
  const y = box.y + box.height + 14;
  if (!common || isFlat(common.domain)) {
    const ends = first.signed
      ? "each from −its end over 0 to its end"
      : "each from its low to its high end";
    write(context, `${ends}, as printed below it`, box.x, y, 400, ink.dim);
    return;
  }
  context.font = `400 12px ${FONT}`;
  context.fillStyle = ink.dim;
  const { bend } = recipeOf(common.colours);
  for (const { value, place } of scaleTicks(common.domain, common.signed, bend)) {
    context.textAlign = place < 0.02 ? "left" : place > 0.98 ? "right" : "center";
    context.fillText(digits(value, 2), box.x + place * box.width, y);
  }
}
