/** Colour tables: 256 RGBA entries each. Only maps that colour-blind people can read. */

import hex from "./colour-tables.json";

export const SEQUENTIAL = ["cividis", "viridis", "magma", "grey"] as const;
export const DIVERGING = ["PuOr", "RdBu"] as const;
export type Sequential = (typeof SEQUENTIAL)[number];
export type Diverging = (typeof DIVERGING)[number];
export type TableName = keyof typeof hex;

const cache = new Map<TableName, Uint8ClampedArray>();

export function colourTable(name: TableName): Uint8ClampedArray {
  const known = cache.get(name);
  if (known) return known;
  const text = hex[name];
  const table = new Uint8ClampedArray(1024);
  for (let i = 0; i < 256; i++) {
    for (let c = 0; c < 3; c++) {
      const at = (i * 3 + c) * 2;
      table[i * 4 + c] = Number.parseInt(text.slice(at, at + 2), 16);
    }
    table[i * 4 + 3] = 255;
  }
  cache.set(name, table);
  return table;
}

export interface Palette {
  sequential: Sequential;
  diverging: Diverging;
}

/** Signed numbers get a diverging table, unsigned a sequential one: no control can mix them. */
export function tableFor(signed: boolean, palette: Palette, dark: boolean): TableName {
  if (!signed) return palette.sequential;
  return dark ? (`${palette.diverging}-dark` as TableName) : palette.diverging;
}
