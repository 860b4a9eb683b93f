import { describe, expect, it } from "vitest";
import { contourLevels, contourPath, contours } from "../src/core/contour";
import { outlineOf } from "../src/core/overlay";

/** Pieces of a path as `[x0, y0, x1, y1]`. */
function pieces(path: string): number[][] {
  return path
    .split("M")
    .filter(Boolean)
    .map((piece) => piece.split(/[L ]/).map(Number));
}

describe("a contour", () => {
  it("lies where the values between two pixels reach the level", () => {
    // Two columns, 0 and 4: the level 1 lies a quarter of the way between their middles.
    const found = pieces(contourPath([0, 4, 0, 4], 2, 2, 1));
    expect(found.length).toBeGreaterThan(0);
    for (const [x0, , x1] of found) expect([x0, x1]).toEqual([0.75, 0.75]);
    const heights = found.flatMap(([, y0, , y1]) => [y0, y1]);
    expect([Math.min(...heights), Math.max(...heights)]).toEqual([0, 2]);
  });

  it("goes around a peak in one closed line", () => {
    const values = [0, 0, 0, 0, 1, 0, 0, 0, 0];
    const found = pieces(contourPath(values, 3, 3, 0.5));
    expect(found).toHaveLength(4);
    const ends = found.flatMap(([x0, y0, x1, y1]) => [`${x0} ${y0}`, `${x1} ${y1}`]).sort();
    // Every end meets another one.
    expect(ends.filter((_, i) => i % 2 === 0)).toEqual(ends.filter((_, i) => i % 2 === 1));
    for (const [x, y] of found) expect(Math.abs(x - 1.5) + Math.abs(y - 1.5)).toBeCloseTo(0.5, 12);
  });

  it("joins at a saddle what the middle joins", () => {
    const joined = pieces(contourPath([1, 0, 0, 1], 2, 2, 0.4));
    const apart = pieces(contourPath([1, 0, 0, 1], 2, 2, 0.6));
    const middle = ([x0, y0, x1, y1]: number[]) => [(x0 + x1) / 2, (y0 + y1) / 2];
    const inner = (all: number[][]) =>
      all.filter(([x0, y0, x1, y1]) => [x0, y0, x1, y1].every((at) => at >= 0.5 && at <= 1.5));
    // The lines cut off the corners that are outside.
    for (const [x, y] of inner(joined).map(middle)) expect((x - 1) * (y - 1)).toBeLessThan(0);
    for (const [x, y] of inner(apart).map(middle)) expect((x - 1) * (y - 1)).toBeGreaterThan(0);
  });

  it("does not go through what is not finite, nor where all is on one side", () => {
    expect(contourPath([0, Number.NaN, 0, 4], 2, 2, 1)).not.toContain("NaN");
    expect(contourPath([1, 1, 1, 1], 2, 2, 0.5)).toBe("");
  });
});

describe("levels", () => {
  it("are where the colours are a quarter, half and three quarters of their way", () => {
    expect(contourLevels([], { lo: 2, hi: 6 }, false, 1, "levels").map(round)).toEqual([3, 4, 5]);
    expect(contourLevels([], { lo: 0, hi: 16 }, false, 0.5, "levels").map(round)).toEqual([
      1, 4, 9,
    ]);
  });

  it("are on both sides of zero where numbers are signed", () => {
    const found = contourLevels([], { lo: -4, hi: 4 }, true, 1, "levels").map(round);
    expect(found).toEqual([-1, -2, -3, 1, 2, 3]);
  });

  it("enclose the tenth of the largest magnitudes", () => {
    const values = Array.from({ length: 101 }, (_, i) => (i % 2 ? -i : i));
    expect(contourLevels(values, { lo: -100, hi: 100 }, true, 1, "tenth").map(round)).toEqual([
      -90, 90,
    ]);
    expect(contourLevels([0, 0], { lo: 0, hi: 1 }, false, 1, "tenth")).toEqual([]);
    expect(contourLevels(values, { lo: 0, hi: 1 }, false, 1, "none")).toEqual([]);
  });

  it("without a line are left out", () => {
    expect(contours([0, 4, 0, 4], 2, 2, [1, 9]).map(({ level }) => level)).toEqual([1]);
  });
});

it("the mode of lines always has some, and the input alone has none", () => {
  const usual = { opacity: 92, follows: true, outline: "none" } as const;
  expect(outlineOf({ ...usual, mode: "contour" })).toBe("levels");
  expect(outlineOf({ ...usual, mode: "contour", outline: "tenth" })).toBe("tenth");
  expect(outlineOf({ ...usual, mode: "input", outline: "tenth" })).toBe("none");
  expect(outlineOf({ ...usual, mode: "map" })).toBe("none");
});

function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
