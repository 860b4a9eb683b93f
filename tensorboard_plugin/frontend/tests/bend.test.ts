import { describe, expect, it } from "vitest";
import { bent, bentIndex, placeOnScale } from "../src/core/bend";
import { colourTable, evenTable, recipeOf, tableFor } from "../src/core/colours";
import { powerTicks, roomFor, scaleTicks } from "../src/core/ticks";

const BENDS = [0.5, 2, "symlog"] as const;

describe("a bend", () => {
  it("has the values of its formula", () => {
    expect(bent(0.25, 0.5)).toBe(0.5);
    expect(bent(0.1, 2)).toBeCloseTo(0.01, 15);
    expect(bent(0.01, "symlog")).toBeCloseTo(Math.log(2) / Math.log(101), 15);
    expect(bent(0.3, 1)).toBe(0.3);
  });

  it("is linear near zero where it is symlog", () => {
    expect(bent(2e-6, "symlog") / bent(1e-6, "symlog")).toBeCloseTo(2, 3);
  });

  it.each(BENDS)("%s keeps the ends, the order, and zero in the middle", (bend) => {
    for (const signed of [false, true]) {
      const entries = Array.from({ length: 256 }, (_, i) => bentIndex(i, signed, bend));
      expect([entries[0], entries[255]]).toEqual([0, 255]);
      for (let i = 1; i < 256; i++) expect(entries[i]).toBeGreaterThanOrEqual(entries[i - 1]);
    }
    // Both sides of zero are mirrored.
    for (let i = 0; i < 128; i++)
      expect(bentIndex(i, true, bend) + bentIndex(255 - i, true, bend)).toBe(255);
    expect(placeOnScale(0, { lo: -3, hi: 3 }, true, bend)).toBe(0.5);
  });
});

describe("a table's name", () => {
  const palette = { sequential: "magma", diverging: "RdBu", reversed: true, bend: 0.5 } as const;

  it("says all of how it is made", () => {
    expect(tableFor(false, palette, false)).toBe("magma_r^0.5");
    expect(tableFor(false, { ...palette, bend: "symlog" }, false)).toBe("magma_r~");
    expect(recipeOf("magma_r^0.5")).toEqual({ base: "magma", reversed: true, bend: 0.5 });
    expect(recipeOf("PuOr-dark~")).toEqual({ base: "PuOr-dark", reversed: false, bend: "symlog" });
    expect(recipeOf("grey")).toEqual({ base: "grey", reversed: false, bend: 1 });
    expect(evenTable("magma_r^0.5")).toBe("magma_r");
  });

  it("turns no diverging table round: its sides are those of the sign", () => {
    expect(tableFor(true, palette, true)).toBe("RdBu-dark^0.5");
  });

  it("is obeyed", () => {
    const [plain, turned, lifted] = (["magma", "magma_r", "magma^0.5"] as const).map(colourTable);
    const colour = (table: Uint8ClampedArray, i: number) => [...table.slice(i * 4, i * 4 + 4)];
    expect(colour(turned, 0)).toEqual(colour(plain, 255));
    expect(colour(lifted, 64)).toEqual(colour(plain, Math.floor(255 * Math.sqrt(64 / 255) + 0.5)));
  });
});

describe("ticks", () => {
  const places = (ticks: { place: number }[]) => ticks.map(({ place }) => place);

  it("are the ends, and the middle or zero", () => {
    expect(scaleTicks({ lo: 1, hi: 3 }, false, 1)).toEqual([
      { value: 1, place: 0 },
      { value: 2, place: 0.5 },
      { value: 3, place: 1 },
    ]);
    const signed = scaleTicks({ lo: -4, hi: 4 }, true, 1);
    expect(signed.map(({ value }) => value)).toEqual([-4, -2, 0, 2, 4]);
  });

  it("stand where the bent scale has their values", () => {
    const ticks = scaleTicks({ lo: 0, hi: 8 }, false, 0.5);
    expect(ticks.map(({ value }) => value)).toEqual([0, 2, 8]);
    expect(places(ticks)[1]).toBeCloseTo(0.5, 12);
    const small = scaleTicks({ lo: 0, hi: 1 }, false, "symlog");
    const tenth = small.find(({ value }) => Math.abs(value - 0.1) < 1e-12);
    expect(tenth?.place).toBeCloseTo(Math.log(11) / Math.log(101), 12);
  });

  it("never run into one another", () => {
    for (const bend of BENDS)
      for (const signed of [false, true]) {
        const found = places(scaleTicks({ lo: signed ? -5 : 0.2, hi: 5 }, signed, bend));
        for (let i = 1; i < found.length; i++) expect(found[i] - found[i - 1]).toBeGreaterThan(0.2);
      }
  });

  it("are fewer where the scale is narrow, or its numbers are long", () => {
    const many = (characters: number, width: number) =>
      scaleTicks({ lo: -4, hi: 4 }, true, 1, roomFor(characters, width)).length;
    expect([many(5, 224), many(5, 178), many(8, 224), many(8, 400)]).toEqual([5, 3, 3, 5]);
  });

  it("of logarithms are whole powers between the ends", () => {
    expect(powerTicks({ lo: -3, hi: 0 }).map(({ value }) => value)).toEqual([-3, -2, -1, 0]);
    expect(powerTicks({ lo: -12.5, hi: 0 }).length).toBeLessThan(7);
  });
});
