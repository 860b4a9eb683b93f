import { describe, expect, it } from "vitest";
import {
  bandPath,
  binsWithin,
  placeAmong,
  quantileBin,
  quantileBins,
  recentBins,
  shareOutside,
} from "../src/core/bands";
import { GAP } from "../src/core/histogram";
import { RIDGE_BOX, ridgesOf } from "../src/core/ridges";

describe("quantiles of a histogram", () => {
  it("are the first bin at which their share is reached", () => {
    const counts = [0, 1, 0, 98, 1, 0];
    expect(quantileBins(counts)).toEqual([1, 3, 3, 3, 3, 3, 3]);
    expect(quantileBin(counts, 1)).toBe(4);
    expect(quantileBin([0, 0], 0.5)).toBe(-1);
  });

  it("agree with the sorted values", () => {
    const values = Array.from({ length: 500 }, (_, i) => (i * 7919) % 113);
    const counts = new Float32Array(113);
    for (const value of values) counts[value]++;
    const sorted = [...values].sort((a, b) => a - b);
    for (const share of [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99])
      expect(quantileBin(counts, share)).toBe(sorted[Math.ceil(share * 500) - 1]);
  });
});

describe("the recent range", () => {
  const spike = [500, 0, 0, 0, 500];
  const calm = [0, 10, 80, 10, 0];

  it("is that of the last steps: an early spike does not widen it", () => {
    const histograms = [spike, calm, calm, calm, calm];
    expect(recentBins(histograms)).toEqual([1, 3]);
    expect(recentBins([spike])).toEqual([0, 4]);
    expect(recentBins([undefined])).toBeUndefined();
    expect(shareOutside(histograms, 1, 3)).toBeCloseTo(1000 / 1400);
  });

  it("cuts the axis, whose gaps stay where they are", () => {
    expect(binsWithin([0, 1, GAP, 6, 7], 1, 6)).toEqual([1, GAP, 6]);
    expect(binsWithin([0, 1], 5, 6)).toEqual([0, 1]);
    expect(placeAmong([1, GAP, 6], 6)).toBe(2);
    expect(placeAmong([1, GAP, 6], 3)).toBe(2);
    expect(placeAmong([1, GAP, 6], 0)).toBe(0);
    expect(placeAmong([1, GAP, 6], 9)).toBe(2);
  });
});

describe("bands and ridges", () => {
  it("cover the bins of both quantiles, a column a step", () => {
    const path = bandPath([[1, 2], undefined, [-1, -1], [0, 0]], 0, 1, [0, 1, 2]);
    expect(path).toBe("M0 0H1V2H0ZM3 2H4V3H3Z");
  });

  it("stand on floors of their own, the newest in front, on one scale", () => {
    const [old, now] = ridgesOf([
      { at: 0, shares: [0, 1] },
      { at: 4, shares: [0.5, 0] },
    ]);
    expect(now.floor).toBe(RIDGE_BOX.height);
    expect(old.outline).toContain(`L500 0H1000`);
    expect(now.outline.startsWith(`M0 400L0 ${400 - old.floor / 2}H500`)).toBe(true);
    expect(ridgesOf([])).toEqual([]);
  });
});
