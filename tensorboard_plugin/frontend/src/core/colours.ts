/** Colour tables: 256 RGBA entries each. Only maps that colour-blind people can read. */

import { type Bend, bentIndex, EVEN } from "./bend";
import hex from "./colour-tables.json";

export const SEQUENTIAL = ["cividis", "viridis", "magma", "grey"] as const;
export const DIVERGING = ["PuOr", "RdBu"] as const;
export type Sequential = (typeof SEQUENTIAL)[number];
export type Diverging = (typeof DIVERGING)[number];
type Base = keyof typeof hex;

/** A table by all that it is made of: "cividis", "viridis_r" turned round, "PuOr^0.5" with a gamma, "magma~" with symlog. */
export type TableName = `${Base}${"" | "_r"}${"" | "~" | `^${number}`}`;

interface Recipe {
  base: Base;
  reversed: boolean;
  bend: Bend;
}

const FORM = /^([A-Za-z-]+)(_r)?(~|\^[\d.]+)?$/;

export function recipeOf(name: TableName): Recipe {
  const [, base, turned, bend] = FORM.exec(name) ?? ["", name, "", ""];
  return {
    base: base as Base,
    reversed: turned === "_r",
    bend: bend === "~" ? "symlog" : bend ? Number(bend.slice(1)) : EVEN,
  };
}

const cache = new Map<TableName, Uint8ClampedArray>();

export function colourTable(name: TableName): Uint8ClampedArray {
  const known = cache.get(name);
  if (known) return known;
  const { base, reversed, bend } = recipeOf(name);
  const signed = DIVERGING.some((each) => base.startsWith(each));
  const text = hex[base];
  const table = new Uint8ClampedArray(1024);
  for (let i = 0; i < 256; i++) {
    const entry = bentIndex(i, signed, bend);
    const from = (reversed ? 255 - entry : entry) * 3;
    for (let c = 0; c < 3; c++)
      table[i * 4 + c] = Number.parseInt(text.slice((from + c) * 2, (from + c + 1) * 2), 16);
    table[i * 4 + 3] = 255;
  }
  cache.set(name, table);
  return table;
}

export interface Palette {
  sequential: Sequential;
  diverging: Diverging;
  /** The other direction of sequential tables; diverging ones have theirs from the sign. */
  reversed: boolean;
  bend: Bend;
}

/** Signed numbers get a diverging table, unsigned a sequential one: no control can mix them. */
export function tableFor(signed: boolean, palette: Palette, dark: boolean): TableName {
  const { sequential, diverging, reversed, bend } = palette;
  const turned = reversed && !signed ? "_r" : "";
  const base: Base = !signed ? sequential : dark ? `${diverging}-dark` : diverging;
  if (bend === EVEN) return `${base}${turned}`;
  return bend === "symlog" ? `${base}${turned}~` : `${base}${turned}^${bend}`;
}

/** The same colours, evenly spread: what a colour bar is painted with. */
export function evenTable(name: TableName): TableName {
  const { base, reversed } = recipeOf(name);
  return `${base}${reversed ? "_r" : ""}`;
}
