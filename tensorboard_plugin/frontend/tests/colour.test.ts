import { describe, expect, it } from "vitest";
import tables from "../src/core/colour-tables.json";
import { colourTable, DIVERGING, SEQUENTIAL, type TableName, tableFor } from "../src/core/colours";
import { factsOf } from "../src/core/facts";
import { overlayTable } from "../src/core/overlay";
import { colourIndex, hatchPath, isFlat } from "../src/core/paint";

const palette = { sequential: "cividis", diverging: "PuOr", reversed: false, bend: 1 } as const;
const USUAL = { opacity: 92, follows: true };

function lightness(table: Uint8ClampedArray): number[] {
  return Array.from(
    { length: 256 },
    (_, i) => 0.2126 * table[i * 4] + 0.7152 * table[i * 4 + 1] + 0.0722 * table[i * 4 + 2],
  );
}

describe("colour tables", () => {
  it.each(Object.keys(tables) as (keyof typeof tables)[])("%s has 256 opaque colours", (name) => {
    expect(tables[name]).toMatch(/^[0-9a-f]{1536}$/);
    const alphas = colourTable(name).filter((_, i) => i % 4 === 3);
    expect(new Set(alphas)).toEqual(new Set([255]));
  });

  it.each(SEQUENTIAL)("%s only ever gets lighter", (name) => {
    const light = lightness(colourTable(name));
    // Bytes are rounded: half a level of slack.
    for (let i = 1; i < 256; i++) expect(light[i]).toBeGreaterThan(light[i - 1] - 0.6);
  });

  it.each(DIVERGING)("%s recedes at zero into the page of either theme", (name) => {
    const light = lightness(colourTable(name));
    const dark = lightness(colourTable(`${name}-dark` as TableName));
    expect(Math.max(...light)).toBeCloseTo(Math.max(light[127], light[128]), 0);
    expect(Math.min(...dark)).toBeCloseTo(Math.min(dark[127], dark[128]), 0);
    expect(light[127]).toBeGreaterThan(235);
    expect(dark[127]).toBeLessThan(40);
  });

  it("follow from whether numbers are signed, and nothing else", () => {
    expect(tableFor(false, palette, false)).toBe("cividis");
    expect(tableFor(false, palette, true)).toBe("cividis");
    expect(tableFor(true, palette, false)).toBe("PuOr");
    expect(tableFor(true, palette, true)).toBe("PuOr-dark");
  });
});

describe("the index of a value", () => {
  it("rounds half up and clamps", () => {
    const domain = { lo: 0, hi: 255 };
    expect([-1, 0, 0.49, 0.5, 254.5, 255, 1e9].map((value) => colourIndex(value, domain))).toEqual([
      0, 0, 0, 1, 255, 255, 255,
    ]);
  });

  it("puts zero of a symmetric scale in the middle", () => {
    expect(colourIndex(0, { lo: -3, hi: 3 })).toBe(128);
  });
});

describe("an overlay", () => {
  it("is clear where there is nothing to show, and keeps its colours", () => {
    const table = colourTable("PuOr");
    const signed = overlayTable("PuOr", true, USUAL);
    expect(signed[127 * 4 + 3]).toBeLessThan(5);
    expect(signed[3]).toBe(235);
    expect(signed[255 * 4 + 3]).toBe(235);
    expect([...signed.slice(0, 3)]).toEqual([...table.slice(0, 3)]);
    const unsigned = overlayTable("cividis", false, USUAL);
    expect(unsigned[3]).toBe(0);
    expect(unsigned[255 * 4 + 3]).toBe(235);
  });

  it("is as opaque everywhere where alpha does not follow the value", () => {
    const alphas = overlayTable("magma", false, { opacity: 40, follows: false });
    expect(new Set(alphas.filter((_, i) => i % 4 === 3))).toEqual(new Set([102]));
  });

  it("follows the bent share, so that lifted values are seen", () => {
    const even = overlayTable("cividis", false, USUAL);
    const lifted = overlayTable("cividis^0.5", false, USUAL);
    expect(lifted[64 * 4 + 3]).toBe(Math.round(2.55 * 92 * Math.sqrt(64 / 255) ** 0.8));
    expect(lifted[64 * 4 + 3]).toBeGreaterThan(even[64 * 4 + 3]);
  });
});

it("what is not finite is counted, and hatched along its diagonals", () => {
  const values = [1, Number.NaN, Number.POSITIVE_INFINITY, 1, 1, Number.NaN];
  expect(factsOf(Float32Array.from(values))).toEqual({ lo: 1, hi: 1, peak: 0, broken: 3 });
  expect(factsOf(Float32Array.of(0, -2, 2))).toEqual({ lo: -2, hi: 2, peak: 1, broken: 0 });
  expect(factsOf(Float32Array.of(Number.NaN))).toEqual({ lo: 0, hi: 0, peak: -1, broken: 1 });
  // 2 x 3: (0, 1) and (0, 2), (1, 2).
  expect(hatchPath(values, 2, 3)).toBe("M1 1l1 -1M2 1l1 -1M2 2l1 -1");
  expect(hatchPath([Number.NaN, Number.NaN, Number.NaN, Number.NaN], 2, 2)).toBe(
    "M0 1l1 -1M0 2l2 -2M1 2l1 -1",
  );
  expect(hatchPath([0, 1], 1, 2)).toBe("");
});

it("a scale without extent is flat", () => {
  expect(isFlat({ lo: 2, hi: 2 })).toBe(true);
  expect(isFlat({ lo: Number.NaN, hi: Number.NaN })).toBe(true);
  expect(isFlat({ lo: 0, hi: 1e-30 })).toBe(false);
});
