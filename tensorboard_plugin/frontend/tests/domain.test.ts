import { describe, expect, it } from "vitest";
import { type Columns, seriesOf } from "../src/core/columns";
import { clippedShares, domainOf, fitted, fixedDomain, statsOf } from "../src/core/domain";

// Two steps, two rows.
const columns: Columns = {
  steps: [0, 5],
  rows: 2,
  stats: new Map([
    ["min", Float32Array.from([-4, 0, -1, Number.NaN])],
    ["max", Float32Array.from([2, 8, 1, Number.NaN])],
    ["p1", Float32Array.from([-3, 1, -1, Number.NaN])],
    ["p99", Float32Array.from([2, 7, 1, Number.NaN])],
  ]),
};
const ask = { columns, signed: false, range: "minmax", row: 0, step: 5 } as const;

describe("the colour scale", () => {
  it("spans one example over all steps, so that motion is real", () => {
    expect(domainOf({ ...ask, scale: "time" })).toEqual({ lo: -4, hi: 2 });
  });

  it("spans all examples, or one map", () => {
    expect(domainOf({ ...ask, scale: "page" })).toEqual({ lo: -4, hi: 8 });
    expect(domainOf({ ...ask, scale: "map" })).toEqual({ lo: -1, hi: 1 });
  });

  it("takes percentiles where asked to", () => {
    expect(domainOf({ ...ask, scale: "time", range: "p1" })).toEqual({ lo: -3, hi: 2 });
  });

  it("is symmetric about zero for signed numbers", () => {
    expect(domainOf({ ...ask, signed: true, scale: "time" })).toEqual({ lo: -4, hi: 4 });
    expect(fitted(1, 3, true)).toEqual({ lo: -3, hi: 3 });
  });

  it("is some scale where nothing is finite, for magenta needs none", () => {
    expect(domainOf({ ...ask, scale: "map", row: 1 })).toEqual({ lo: 0, hi: 1 });
  });

  it("is what is here until the chosen range is", () => {
    expect(domainOf({ ...ask, scale: "map", range: "p5" })).toEqual({ lo: -1, hi: 1 });
  });
});

it("a range names the statistics it lies between", () => {
  expect([statsOf("minmax"), statsOf("p1"), statsOf("p5")]).toEqual([
    "min,max",
    "p1,p99",
    "p5,p95",
  ]);
});

it("ends that are typed in make a scale where they grow; a signed one has zero in its middle", () => {
  expect(fixedDomain(1, 3, false)).toEqual({ lo: 1, hi: 3 });
  expect(fixedDomain(1, 3, true)).toEqual({ lo: -3, hi: 3 });
  expect(fixedDomain(3, 3, false)).toBeUndefined();
  expect(fixedDomain(-4, -3, true)).toBeUndefined();
});

it("clipped shares count what lies outside, of what is finite", () => {
  const values = [-2, 0, 1, 5, Number.NaN];
  expect(clippedShares([[values, { lo: 0, hi: 1 }]])).toEqual({ below: 0.25, above: 0.25 });
  expect(clippedShares([])).toEqual({ below: 0, above: 0 });
});

it("a series is one row of the table", () => {
  expect([...seriesOf(columns, "max", 0)]).toEqual([2, 1]);
  expect(seriesOf(columns, "max", 9)).toHaveLength(0);
  expect(seriesOf(undefined, "max", 0)).toHaveLength(0);
});
