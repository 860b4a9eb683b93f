import { describe, expect, it } from "vitest";
import { chunksOf } from "../src/core/chunks";
import { inputUnder, peakOf } from "../src/core/cursor";
import { linePath } from "../src/core/curve";
import { visibleCells } from "../src/core/grid";
import { binMarks, drawnShares, GAP, heatMap, usedBins } from "../src/core/histogram";
import { planesOf, planeValues } from "../src/core/planes";
import { placeOf } from "../src/core/sentence";

const counting = (length: number) => Float32Array.from({ length }, (_, i) => i);

describe("planes", () => {
  it("of an image with channels last are its channels", () => {
    const planes = planesOf(["height", "width", "channel"], [2, 3, 4]);
    expect(planes).toMatchObject({ height: 2, width: 3, count: 4, axis: "channel", kind: "image" });
    expect([...planeValues(counting(24), planes, 1)]).toEqual([1, 5, 9, 13, 17, 21]);
  });

  it("of a volume are its slices", () => {
    const planes = planesOf(["depth", "height", "width"], [2, 2, 2]);
    expect([...planeValues(counting(8), planes, 1)]).toEqual([4, 5, 6, 7]);
  });

  it("of a kernel are its pairs of channels", () => {
    const planes = planesOf(["kernel_height", "kernel_width", "in", "out"], [1, 2, 2, 3]);
    expect(planes.count).toBe(6);
    expect([...planeValues(counting(12), planes, 4)]).toEqual([4, 10]);
  });

  it("of one axis are a strip, of time and feature a matrix, of none a number", () => {
    expect(planesOf(["feature"], [7])).toMatchObject({ height: 1, width: 7, kind: "strip" });
    expect(planesOf(["time", "feature"], [5, 2])).toMatchObject({
      height: 5,
      width: 2,
      kind: "matrix",
    });
    expect(planesOf(["time", "channel"], [5, 2])).toMatchObject({
      width: 5,
      count: 2,
      kind: "strip",
    });
    expect(planesOf([], [])).toMatchObject({ height: 1, width: 1, kind: "number" });
  });
});

describe("the cursor", () => {
  it("rests on the largest magnitude", () => {
    expect(peakOf([0, 1, -9, 2], 2)).toEqual({ row: 1, column: 0 });
    expect(peakOf([Number.NaN, 1], 2)).toEqual({ row: 0, column: 1 });
  });

  it("names the input pixel in the middle of a coarse map's pixel", () => {
    const planes = planesOf(["height", "width"], [2, 2]);
    const input = { shape: [4, 4, 1], values: counting(16) };
    expect(inputUnder({ row: 0, column: 0 }, planes, input)).toEqual([5]);
    expect(inputUnder({ row: 1, column: 1 }, planes, input)).toEqual([15]);
  });

  it("names all channels of a pixel, and of a time", () => {
    const image = planesOf(["height", "width"], [2, 2]);
    expect(
      inputUnder({ row: 1, column: 0 }, image, { shape: [2, 2, 3], values: counting(12) }),
    ).toEqual([6, 7, 8]);
    const strip = planesOf(["time"], [3]);
    expect(
      inputUnder({ row: 0, column: 2 }, strip, { shape: [3, 2], values: counting(6) }),
    ).toEqual([4, 5]);
  });
});

describe("histograms", () => {
  const bins = [0, 1, 0, 0, 0, 0, 2, 1, 0];

  it("draw the bins that are ever used, long empty runs as one gap", () => {
    expect(usedBins([bins])).toEqual([1, GAP, 6, 7]);
    expect(usedBins([[0, 0]])).toEqual([]);
    expect(usedBins([])).toEqual([]);
    expect(usedBins([[1, 0, 0, 1]])).toEqual([0, 1, 2, 3]);
  });

  it("draw shares, the largest bin on top, and nothing where there is none", () => {
    expect([...drawnShares(bins, [1, GAP, 6])]).toEqual([0.25, 0, 0.5]);
    const picture = heatMap([bins, undefined], [1, 6]);
    expect(picture.values[0]).toBeCloseTo(Math.SQRT1_2, 6);
    expect(picture.values[2]).toBe(0.5);
    expect([...picture.blank]).toEqual([0, 1, 0, 1]);
  });

  it("mark zero", () => {
    const marks = binMarks([-2, -1, -0.5, 0.5, 1, 2], [0, 1, 2, 3, 4], String, 9);
    expect(marks.find(({ at }) => at === 2.5)?.text).toBe("0");
  });
});

describe("the grid", () => {
  const box = { width: 1000, height: 400, scroll: 0, cell: 150, heightOf: () => 190, gap: 10 };

  it("draws what is in sight and half a screen more", () => {
    const sight = visibleCells(10_000, box);
    expect(sight.columns).toBe(6);
    expect(sight.first).toBe(0);
    expect(sight.last).toBe(18);
  });

  it("keeps its height wherever it is scrolled", () => {
    const height = (scroll: number) => {
      const { before, after, first, last, columns, rowHeight } = visibleCells(1000, {
        ...box,
        scroll,
      });
      return before + after + Math.ceil((last - first) / columns) * (rowHeight + box.gap);
    };
    expect(height(0)).toBe(height(12_345));
    expect(height(0)).toBe(height(33_000));
  });
});

it("a line breaks where a value is missing", () => {
  expect(linePath([0, Number.NaN, 1, 1], 0, 1)).toBe("M0 100h0M666.67 0h0L1000 0");
  // Of several values to a point, one is enough.
  const most = 4;
  expect(linePath([Number.NaN, 0, 1, Number.NaN], 0, 1, { most })).not.toContain("NaN");
  expect(linePath([Number.NaN, 0, 1, Number.NaN], 0, 1, { most })).toMatch(
    /^M333.33 100h0L666.67 0/,
  );
});

it("a long line keeps each bin's low and high", () => {
  const values = new Float32Array(100_000);
  values[54_321] = 1;
  const path = linePath(values, 0, 1);
  expect(path).toContain(" 0L");
  expect(path.length).toBeLessThan(60_000);
});

it("places are thirds", () => {
  expect(placeOf(0, 0, 9, 9)).toBe("upper left");
  expect(placeOf(4, 4, 9, 9)).toBe("centre");
  expect(placeOf(0, 8, 1, 9)).toBe("right");
});

describe("requests of bounded size", () => {
  it("hold every pair once", () => {
    const chunks = chunksOf([1, 2, 3, 4, 5], [0, 7, 9], 4);
    const pairs = chunks.flatMap(({ steps, rows }) =>
      steps.flatMap((s) => rows.map((r) => `${s}.${r}`)),
    );
    expect(new Set(pairs).size).toBe(15);
    expect(pairs).toHaveLength(15);
    for (const { steps, rows } of chunks) expect(steps.length * rows.length).toBeLessThanOrEqual(4);
  });

  it("are one where all fits, and single maps where none does", () => {
    expect(chunksOf([1, 2], [3, 4], 99)).toEqual([{ steps: [1, 2], rows: [3, 4] }]);
    expect(chunksOf([1, 2], [3, 4], 0)).toHaveLength(4);
    expect(chunksOf([], [3], 4)).toEqual([]);
  });
});
