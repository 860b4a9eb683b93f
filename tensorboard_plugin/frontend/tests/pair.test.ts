import { describe, expect, it } from "vitest";
import { areaMean, factorsOf, whyNoGrid } from "../src/core/blocks";
import { brushed, brushOf, rangeOf, ticksOf } from "../src/core/brush";
import { answersOf, changesOf } from "../src/core/change";
import { largerSide, noFigures, ranked, withReply } from "../src/core/pair";
import type { RecordSpec } from "../src/core/types";
import { DEFAULTS, decodeView, encodeView } from "../src/core/view-state";
import type { Bundle } from "../src/core/wire";
import { record, targetsWith } from "./record";

function reply(rows: number[], arrays: Record<string, number[]>): Bundle {
  const shape = [Object.values(arrays)[0].length / rows.length, rows.length];
  const entries = Object.entries(arrays).map(
    ([name, values]) => [name, { name, shape, values: Float32Array.from(values) }] as const,
  );
  const header = { rows, finer: "b", of: "shown" };
  return { header, arrays: new Map(entries) } as unknown as Bundle;
}

const SIZES = { p99_a: [1, 2, 3, 4], p99_b: [4, 3, 2, 1], flipped: [0, 1, -1, 1] };

describe("what the server has compared", () => {
  it("fills in row by row, and overlap becomes what is elsewhere", () => {
    const first = withReply(
      noFigures(4),
      reply([3, 1], { ...SIZES, spearman: [0.5, 0.25, 1, 2], top10: [0.25, 1, 0, 0.5] }),
      0,
    );
    expect([...first.known]).toEqual([0, 1, 0, 1]);
    expect([...(first.apart.spearman ?? [])]).toEqual([NaN, 0.25, NaN, 0.5]);
    expect([...(first.apart.top10 ?? [])]).toEqual([NaN, 0, NaN, 0.75]);
    expect([...first.flipped]).toEqual([-1, 1, -1, 0]);
    expect(first.finer).toBe("b");
    const second = withReply(first, reply([0, 2], { ...SIZES, spearman: [0, 0, 0.125, 2] }), 1);
    expect([...(second.apart.spearman ?? [])]).toEqual([0.125, 0.25, 2, 0.5]);
    expect([...second.sizeA]).toEqual([3, 2, 4, 1]);
    expect([...(first.apart.spearman ?? [])]).toEqual([NaN, 0.25, NaN, 0.5]);
  });

  it("is ranked by what differs most, the unknown last", () => {
    expect(ranked([0, 1, 2, 3, 4], [0.1, NaN, 0.9, 0.1, NaN])).toEqual([2, 0, 3, 1, 4]);
  });

  it("says which side is larger in the middle", () => {
    expect(largerSide([2, 4, 9, 0], [1, 2, 1, 5])).toEqual({ tag: "A", times: 2 });
    expect(largerSide([1, 1], [4, 4])).toEqual({ tag: "B", times: 4 });
    expect(largerSide([0, NaN], [1, 1])).toBeUndefined();
  });
});

describe("maps of two resolutions", () => {
  it("share a grid where every ratio is whole", () => {
    expect(factorsOf([12, 12], [4, 6])).toEqual([3, 2]);
    expect(factorsOf([10, 10], [4, 4])).toBeUndefined();
    expect(factorsOf([4, 4], [8, 8])).toBeUndefined();
    expect(factorsOf([4], [2, 2])).toBeUndefined();
  });

  it("are refused with the reason where there is none", () => {
    const map = (change: Partial<RecordSpec>) => record("map", { shape: [12, 12], ...change });
    expect(whyNoGrid(map({}), map({ key: "fine", shape: [48, 48] }))).toBe("");
    expect(whyNoGrid(map({}), map({ key: "odd", shape: [10, 24] }))).toContain("12×12");
    expect(whyNoGrid(map({}), map({ key: "x", axes: ["query", "key"] }))).toContain(
      "no common grid",
    );
    const named = (input: string) => map({ key: input, input });
    expect(whyNoGrid(named("image"), named("table"))).toContain("not the same");
    const bars = (length: number) => map({ key: `${length}`, axes: ["feature"], shape: [length] });
    expect(whyNoGrid(bars(8), bars(4))).toContain("no whole multiple");
  });

  it("are averaged by area", () => {
    const { shape, values } = areaMean([1, 3, 5, 7, 10, 20, 30, 40], [2, 4], [2, 2]);
    expect(shape).toEqual([1, 2]);
    expect([...values]).toEqual([8.5, 20.5]);
    expect([...areaMean([1, 2, 3, 4, 5, 6], [6], [3]).values]).toEqual([2, 5]);
  });
});

describe("the answers", () => {
  const targets = targetsWith({
    count: 2,
    trueProbability: [0.5, 0, 0.25, 1],
    score: [1, 2, 5, 4],
    loss: [0.7, 16, 1.4, 0],
    right: [1, 0, 0.5, 1],
    error: [3, 2, 1, 2],
  });

  it("change from A to B", () => {
    const [a, b] = [0, 1].map((index) => ({ targets, index }));
    expect([...changesOf("probability", a, b, 2)]).toEqual([-0.25, 1]);
    expect([...changesOf("score", a, b, 2)]).toEqual([4, 2]);
    expect(changesOf("loss", a, b, 2)[0]).toBeCloseTo(0.7, 6);
    expect([...changesOf("right", a, b, 2)]).toEqual([-0.5, 1]);
    expect([...changesOf("error", a, b, 2)]).toEqual([-2, 0]);
    expect([...answersOf("score", { targets: null, index: 0 }, 2)]).toEqual([NaN, NaN]);
  });
});

describe("the brush", () => {
  it("chooses what lies within, its edges too", () => {
    const brush = brushOf({ x: 1, y: 0 }, { x: -1, y: 2 });
    expect(brush).toEqual({ x: [-1, 1], y: [0, 2] });
    expect(brushed(brush, 1, 2)).toBe(true);
    expect(brushed(brush, 1.1, 1)).toBe(false);
    expect(brushed(brush, Number.NaN, 1)).toBe(false);
    expect(brushed(null, Number.NaN, 1)).toBe(true);
  });

  it("has axes of round numbers with zero in the middle of signed ones", () => {
    const [lo, hi] = rangeOf([-0.1, 0.3, Number.NaN], true);
    expect(lo).toBeCloseTo(-hi);
    expect(hi).toBeGreaterThan(0.3);
    expect(rangeOf([0.2, 0.4], true)[0]).toBe(0);
    expect(ticksOf(-1.05, 1.05, 4).map((tick) => Math.round(tick * 10) / 10)).toEqual([-1, 0, 1]);
    expect(ticksOf(0, 0)).toEqual([]);
  });
});

describe("a link to a comparison", () => {
  it("names both sides", () => {
    const view = {
      ...DEFAULTS,
      view: "pair",
      run: "one",
      runb: "two",
      recordb: "saliency",
      sameStep: false,
      apart: "cosine",
      change: "loss",
      flippedPairs: true,
      together: "own",
    } as const;
    expect(decodeView(encodeView(view))).toEqual(view);
    expect(decodeView({ rk: "rho", dy: "x", ds: "y" })).toEqual(DEFAULTS);
  });
});
