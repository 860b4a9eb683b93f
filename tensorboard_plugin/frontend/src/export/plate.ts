/** A plate: maps side by side with their captions and their colour scale, as one picture to keep. */

import type { TableName } from "../core/colours";
import type { Overlay } from "../core/overlay";
import type { Domain } from "../core/paint";
import type { Picture } from "../core/picture";

export interface Tile {
  title: string;
  note: string;
  /** Without values the tile is empty, and `note` says why. */
  values?: Float32Array;
  height: number;
  width: number;
  domain: Domain;
  colours: TableName;
  signed: boolean;
  picture?: Picture;
  overlay: Overlay;
}

export interface Plate {
  title: string;
  /** What is needed to read it, one line each. */
  lines: string[];
  tiles: Tile[];
}

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface PlateLayout {
  width: number;
  height: number;
  tiles: Box[];
  scale: Box;
  /** Where the lines below begin. */
  lines: number;
}

export const MARGIN = 16;
export const LINE = 18;
const GAP = 12;
const HEAD = 30;
const SCALE = 44;
const WORDS = 2 * LINE + 4;
const LEAST_WIDTH = 420;

/** Tiles in rows, about half as many below as beside each other; the scale and the lines under them. */
export function plateLayout(
  count: number,
  aspect: number,
  cell: number,
  lines: number,
): PlateLayout {
  const columns = Math.max(1, Math.min(count, Math.ceil(Math.sqrt(count * 1.6 * aspect))));
  const rows = Math.ceil(count / columns);
  const tall = Math.round(cell * aspect);
  const width = Math.max(LEAST_WIDTH, 2 * MARGIN + columns * cell + (columns - 1) * GAP);
  const tiles = Array.from({ length: count }, (_, i) => ({
    x: MARGIN + (i % columns) * (cell + GAP),
    y: MARGIN + HEAD + Math.floor(i / columns) * (tall + WORDS + GAP),
    width: cell,
    height: tall,
  }));
  const below = MARGIN + HEAD + rows * (tall + WORDS + GAP);
  return {
    width,
    height: below + SCALE + lines * LINE + MARGIN,
    tiles,
    scale: { x: MARGIN, y: below, width: Math.min(320, width - 2 * MARGIN), height: 12 },
    lines: below + SCALE,
  };
}

/** The one scale of all tiles, if they have one. */
export function commonScale(tiles: Tile[]): Tile | undefined {
  const [first] = tiles;
  const same = (tile: Tile) =>
    tile.colours === first.colours &&
    tile.domain.lo === first.domain.lo &&
    tile.domain.hi === first.domain.hi;
  return first && tiles.every(same) ? first : undefined;
}

/** A name of letters, digits and dashes for a file. */
export function fileName(parts: (string | number)[], ending: string): string {
  const text = parts
    .join("-")
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/-{2,}/g, "-")
    .replace(/^[-.]+|[-.]+$/g, "");
  return `${text.slice(0, 120) || "explain"}.${ending}`;
}
