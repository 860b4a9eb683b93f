import { describe, expect, it } from "vitest";
import { deadChannels, figureOf, largestFirst, topExamples } from "../src/core/channels";

const figures = {
  rows: 3,
  channels: 2,
  tables: new Map([
    ["mean_abs", Float32Array.from([1, 0, 3, 0, Number.NaN, Number.NaN])],
    ["zero", Float32Array.from([0.5, 1, 1, 1, Number.NaN, Number.NaN])],
    ["peak", Float32Array.from([2, 0, 9, 0, Number.NaN, Number.NaN])],
  ]),
};

describe("figures of channels", () => {
  it("are one example's, or the mean of those that have them", () => {
    expect([...figureOf(figures, "mean_abs", 1)]).toEqual([3, 0]);
    expect([...figureOf(figures, "mean_abs", null)]).toEqual([2, 0]);
    expect(figureOf(figures, "drift", 0)).toHaveLength(0);
    expect(figureOf(undefined, "zero", 0)).toHaveLength(0);
  });

  it("sort the largest first, equal ones in their order, unknown ones last", () => {
    expect(largestFirst([1, Number.NaN, 3, 1, -2])).toEqual([2, 0, 3, 4, 1]);
  });

  it("call a channel dead that is zero for every example that can be read", () => {
    expect([...deadChannels(figures)]).toEqual([1]);
    expect(deadChannels(undefined).size).toBe(0);
  });

  it("name the examples that fire a channel most", () => {
    expect(topExamples(figures, 0)).toEqual([
      { row: 1, peak: 9 },
      { row: 0, peak: 2 },
    ]);
    expect(topExamples(figures, 0, 1)).toHaveLength(1);
  });
});
