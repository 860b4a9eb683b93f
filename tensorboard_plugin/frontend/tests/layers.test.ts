import { describe, expect, it } from "vitest";
import {
  blocksAround,
  found,
  foundRows,
  layerTree,
  openRows,
  pathOf,
  weightsOf,
} from "../src/core/layers";
import type { MapRow } from "../src/core/types";
import { hasStatistic, layerFigure } from "../src/core/weights";
import { record } from "./record";

describe("the list of layers", () => {
  const names = ["stem", "s1/b1/conv1", "s1/b1/conv2", "s1/b2/conv1", "s1/b2/conv2", "head"];
  const tree = layerTree(names);
  const told = (rows: typeof tree) => rows.map(({ depth, text }) => `${"-".repeat(depth)}${text}`);

  it("has a block for neighbours of a common path", () => {
    expect(told(tree)).toEqual([
      "stem", "s1", "-b1", "--conv1", "--conv2", "-b2", "--conv1", "--conv2", "head",
    ]); // biome-ignore format: one line a block
    expect(tree[1].layers).toEqual([1, 2, 3, 4]);
    expect(new Set(tree.map(({ id }) => id)).size).toBe(tree.length);
  });

  it("keeps the model's order, and makes no block of one layer", () => {
    expect(told(layerTree(["a/x", "b", "a/y"]))).toEqual(["a/x", "b", "a/y"]);
  });

  it("tells a block that holds one block alone in one name", () => {
    expect(told(layerTree(["net/body/a", "net/body/b", "out"]))).toEqual([
      "net/body", "-a", "-b", "out",
    ]); // biome-ignore format: one line a block
  });

  it("folds all but the blocks that are open", () => {
    expect(told(openRows(tree, new Set()))).toEqual(["stem", "s1", "head"]);
    const around = new Set(blocksAround(tree, 3));
    expect(told(openRows(tree, around))).toEqual([
      "stem", "s1", "-b1", "-b2", "--conv1", "--conv2", "head",
    ]); // biome-ignore format: one line a block
    expect(openRows(tree, around)[2].isOpen).toBe(false);
  });

  it("counts the layers of a method among those of all", () => {
    const [title, first] = layerTree(["a", "b"], "Attention", [4, 7]);
    expect([title.kind, title.layers, first.layers]).toEqual(["title", [4, 7], [4]]);
  });

  it("splits names at underscores, but not off a number alone", () => {
    expect(pathOf("conv2_block1_1_conv")).toEqual(["conv2", "block1", "1", "conv"]);
    expect(pathOf("max_pooling2d_3")).toEqual(["max", "pooling2d_3"]);
    expect(pathOf("conv2d_12")).toEqual(["conv2d_12"]);
    expect(pathOf("a/b_c")).toEqual(["a", "b_c"]);
  });

  it("is searched by words in any order", () => {
    expect(found(names, "CONV1 s1")).toEqual([1, 3]);
    expect(found(names, " ")).toHaveLength(names.length);
    expect(foundRows(names, "head").map(({ text, layers }) => [text, layers])).toEqual([
      ["head", [5]],
    ]);
  });
});

describe("the weights of a layer", () => {
  it("are those whose path is its name and one part more, with or without the model's name", () => {
    const weights = ["net/conv/kernel", "net/conv/bias", "net/conv2/kernel", "head/kernel"];
    expect(weightsOf(["conv", "conv2", "head", "pool"], weights)).toEqual([[0, 1], [2], [3], []]);
  });

  const spec = record("weight_gradients/statistics", {
    axes: ["statistic"],
    labels: { statistic: ["norm", "weight_norm", "update_norm"] },
  });
  const row = (...values: number[]) => ({ values: Float32Array.from(values) }) as MapRow;

  it("have one figure together, as if they were one", () => {
    const rows = [row(3, 6, 0.03), row(4, 8, 0.04)];
    expect(layerFigure(spec, rows, "norm")).toBeCloseTo(5);
    expect(layerFigure(spec, rows, "update_ratio")).toBeCloseTo(0.005);
    expect(layerFigure(spec, [], "norm")).toBeNaN();
    expect(layerFigure(spec, [undefined], "norm")).toBeNaN();
  });

  it("have no update in older runs", () => {
    expect(hasStatistic(spec, "update_ratio")).toBe(true);
    expect(hasStatistic(record("x", { labels: { statistic: ["norm"] } }), "update_ratio")).toBe(
      false,
    );
  });
});
