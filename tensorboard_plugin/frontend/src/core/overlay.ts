/** How a map lies over the picture that it explains. */

import { bent, shareAt } from "./bend";
import { colourTable, recipeOf, type TableName } from "./colours";

export const OVERLAYS = ["overlay", "map", "contour", "input"] as const;
export const OUTLINES = ["none", "levels", "tenth"] as const;

export interface Overlay {
  /** Map over grey picture, map alone, lines over the picture, picture alone. */
  mode: (typeof OVERLAYS)[number];
  /** Percent of the map where it covers most. */
  opacity: number;
  /** Whether the picture shines through where the map has little to show. */
  follows: boolean;
  outline: (typeof OUTLINES)[number];
}

/** The map alone. */
export const MAP_ALONE: Overlay = { mode: "map", opacity: 92, follows: true, outline: "none" };

const known = new Map<string, Uint8ClampedArray>();

/**
 * A table with the alpha of an overlay: round(255 * opacity / 100 * strength ** 0.8), where
 * strength is the bent share of the scale, or 1 where alpha does not follow the value.
 */
export function overlayTable(
  name: TableName,
  signed: boolean,
  { opacity, follows }: Pick<Overlay, "opacity" | "follows">,
): Uint8ClampedArray {
  const id = [name, signed, opacity, follows].join();
  const found = known.get(id);
  if (found) return found;
  const result = new Uint8ClampedArray(colourTable(name));
  const { bend } = recipeOf(name);
  for (let i = 0; i < 256; i++) {
    const strength = follows ? bent(Math.abs(shareAt(i, signed)), bend) : 1;
    result[i * 4 + 3] = Math.round(2.55 * opacity * strength ** 0.8);
  }
  known.set(id, result);
  return result;
}

/** The lines to draw: in the mode of lines there are always some. */
export function outlineOf({ mode, outline }: Overlay): Overlay["outline"] {
  if (mode === "input") return "none";
  return mode === "contour" && outline === "none" ? "levels" : outline;
}
