import { describe, expect, it } from "vitest";
import { bucketsByStep, commonEdges, countsBetween, EVEN_BINS } from "../src/core/buckets";
import { heatMap } from "../src/core/histogram";
import {
  codeParts,
  foundItems,
  neighbours,
  pictureAddress,
  pictureItems,
  stepOfAddress,
} from "../src/core/summaries";

const series = (tag: string, samples = 1, steps = [0, 2, 7]) => ({
  tag,
  title: tag.toUpperCase(),
  samples,
  steps,
  stamp: "7-1.5",
});
const buckets = (...numbers: number[]) => Float32Array.from(numbers);
const total = (counts: Float32Array) => counts.reduce((sum, count) => sum + count, 0);

describe("pictures that TensorBoard keeps", () => {
  const items = pictureItems([series("cam/a"), series("batch", 2), series("none", 0)]);

  it("are one each for every sample of a tag", () => {
    expect(items.map(({ id, name }) => [id, name])).toEqual([
      ["cam/a", "CAM/A"],
      ["batch", "BATCH #0"],
      ["batch|1", "BATCH #1"],
    ]);
  });

  it("are searched by words of title and tag", () => {
    expect(foundItems(items, "batch #1").map(({ id }) => id)).toEqual(["batch|1"]);
    expect(foundItems(items, "cam")).toEqual([items[0]]);
    expect(foundItems(items, "")).toEqual(items);
  });

  it("have an address at their own steps only, which names the step", () => {
    const url = pictureAddress("a & b", items[2], 2);
    expect(url).toBe("picture?run=a%20%26%20b&tag=batch&step=2&sample=1&stamp=7-1.5");
    expect(stepOfAddress(`http://host/data/${url}`)).toBe(2);
    expect(stepOfAddress("picture?run=a")).toBeUndefined();
    expect(pictureAddress("run", items[0], 3)).toBeUndefined();
  });

  it("say where the next ones are", () => {
    expect(neighbours([0, 2, 7], 3)).toEqual({ before: 2, after: 7 });
    expect(neighbours([0, 2, 7], -1)).toEqual({ before: undefined, after: 0 });
    expect(neighbours([], 3)).toEqual({ before: undefined, after: undefined });
  });

  it("come with words of which some are code", () => {
    expect(codeParts("Start `it` now.")).toEqual(["Start ", "it", " now."]);
  });
});

describe("histograms of TensorBoard", () => {
  it("are read step by step, damaged ones told from empty ones", () => {
    const values = buckets(0, 1, 5, 1, 2, 6, -1, 1, 7);
    const found = bucketsByStep({
      arrays: new Map([
        ["buckets", { name: "buckets", shape: [3, 3], values }],
        ["counts", { name: "counts", shape: [4], values: Int32Array.from([2, -1, 0, 1]) }],
      ]),
      header: { steps: [0, 1, 2, 9] },
    });
    expect([...found].map(([step, of]) => [step, of && [...of]])).toEqual([
      [0, [0, 1, 5, 1, 2, 6]],
      [1, undefined],
      [2, []],
      [9, [-1, 1, 7]],
    ]);
  });

  it("keep their counts where all lie between the same edges", () => {
    const [early, late] = [buckets(0, 1, 5, 1, 3, 2), buckets(1, 3, 4, 3, 10, 1)];
    const edges = commonEdges([early, late]);
    expect(edges).toEqual([0, 1, 3, 10]);
    expect([...countsBetween(early, edges)]).toEqual([5, 2, 0]);
    expect([...countsBetween(late, edges)]).toEqual([0, 4, 1]);
  });

  it("keep the open bins at both ends", () => {
    const open = buckets(-Infinity, -1, 3, -1, 1, 4, 1, Infinity, 5);
    const edges = commonEdges([open]);
    expect(edges).toEqual([-Infinity, -1, 1, Infinity]);
    expect([...countsBetween(open, edges)]).toEqual([3, 4, 5]);
  });

  it("are shared out between even bins where their edges differ", () => {
    const [early, late] = [buckets(0, 2, 8, 2, 4, 4), buckets(1, 3, 6, 3, 6, 3)];
    const edges = commonEdges([early, late]);
    expect(edges.length).toBe(EVEN_BINS + 1);
    expect([edges[0], edges.at(-1)]).toEqual([0, 6]);
    const counts = countsBetween(early, edges);
    expect(total(counts)).toBeCloseTo(12, 4);
    expect(counts[0]).toBeCloseTo(8 / 20, 4);
    expect(counts[25]).toBeCloseTo(4 / 20, 4);
    expect(total(countsBetween(late, edges))).toBeCloseTo(9, 4);
  });

  it("lose no entry of points, nor of open ends beside other edges", () => {
    const odd = buckets(2, 2, 7, -Infinity, 0, 1, 1, Infinity, 2, 0.5, 4, 3);
    const edges = commonEdges([odd]);
    expect(total(countsBetween(odd, edges))).toBeCloseTo(13, 4);
    expect(countsBetween(odd, edges)[0]).toBe(1);
    const point = buckets(5, 5, 9, 0, 0, 0);
    expect(total(countsBetween(point, commonEdges([point])))).toBe(9);
  });

  it("may be empty", () => {
    expect(commonEdges([buckets(), buckets(0, 0, 0)])).toEqual([]);
    expect([...countsBetween(buckets(), [])]).toEqual([]);
  });
});

describe("a heat map", () => {
  it("tells steps without a histogram from empty bins", () => {
    const none = undefined;
    expect(heatMap([none, [0, 1], none, none, [1, 0]], [0, 1]).gaps).toEqual([
      { from: 0, count: 1 },
      { from: 2, count: 2 },
    ]);
    expect(heatMap([[0, 0]], [0, 1]).gaps).toEqual([]);
  });
});
