import { describe, expect, it } from "vitest";
import { areaPath, linePath } from "../src/core/curve";
import { filmRows, spanOf, spanText } from "../src/core/film";
import { frameMiddles, framesWithin, GAP_WIDTH, HALF_FRAME, stepPlaces } from "../src/core/frames";
import { isFlatMap } from "../src/core/paint";
import { trustOf } from "../src/core/trust";
import { record } from "./record";

const change = Float32Array.from({ length: 100 }, (_, i) => (i === 42 || i === 77 ? 1 : 0.01));

describe("a part of the filmstrip", () => {
  it("has its own first and last frame, and what is fixed inside of it", () => {
    const frames = framesWithin({ from: 30, to: 90 }, 500, change, [5, 50, 99]);
    const indices = frames.map(({ index }) => index);
    for (const index of [30, 42, 50, 77, 90]) expect(indices).toContain(index);
    expect(Math.min(...indices)).toBe(30);
    expect(Math.max(...indices)).toBe(90);
    expect(frames.reduce((sum, { hidden }) => sum + hidden + 1, 0)).toBe(61);
  });

  it("shows every step where they fit", () => {
    const frames = framesWithin({ from: 40, to: 44 }, 900, change, [0]);
    expect(frames.map(({ index }) => index)).toEqual([40, 41, 42, 43, 44]);
    expect(framesWithin({ from: 0, to: -1 }, 900, [], [0])).toEqual([]);
  });

  it("goes through the address by its steps", () => {
    const steps = [-1, 0, 5, 9, 12];
    expect(spanOf("-1_9", steps)).toEqual({ from: 0, to: 3 });
    expect(spanText({ from: 0, to: 3 }, steps)).toBe("-1_9");
    expect(spanText({ from: 0, to: 4 }, steps)).toBe("");
    for (const text of ["", "5_-1", "3_9", "9", "5_5"])
      expect(spanOf(text, steps)).toEqual({ from: 0, to: 4 });
  });
});

describe("curves below frames", () => {
  const frames = [
    { index: 3, hidden: 0 },
    { index: 4, hidden: 0 },
    { index: 8, hidden: 3 },
  ];

  it("frames fill the row, the last one ends with it", () => {
    const middles = frameMiddles(frames, 400);
    expect(middles[0]).toBe(HALF_FRAME);
    expect(middles[2]).toBeCloseTo(400 - HALF_FRAME, 9);
    expect(middles[2] - GAP_WIDTH - middles[1]).toBeCloseTo(middles[1] - middles[0], 9);
  });

  it("every step lies below its frame, hidden ones evenly between", () => {
    const middles = frameMiddles(frames, 400);
    const places = stepPlaces(frames, 400);
    const share = (x: number) => (x - middles[0]) / (middles[2] - middles[0]);
    expect(places).toHaveLength(6);
    expect(places[1]).toBeCloseTo(share(middles[1]), 6);
    expect(places[3]).toBeCloseTo((places[1] + places[5]) / 2, 6);
    expect([places[0], places[5]]).toEqual([0, 1]);
    expect([...stepPlaces([{ index: 7, hidden: 0 }], 400)]).toEqual([0.5]);
  });

  it("are drawn at those places", () => {
    expect(linePath([0, 1, 0], 0, 1, { places: [0, 0.25, 1] })).toBe("M0 100h0L250 0L1000 100");
    expect(areaPath([0, 1], 0, 1, { places: [0.1, 0.9] })).toBe("M100 100L100 100L900 0L900 100Z");
  });
});

const films = [
  record("saliency", { title: "Saliency" }),
  record("grad_cam/conv1", { title: "Grad-CAM" }),
  record("grad_cam/conv5", { title: "Grad-CAM" }),
  record("layer_cam/conv1", { title: "Layer-CAM" }),
  record("layer_cam/conv5", { title: "Layer-CAM" }),
];

describe("rows of the filmstrip", () => {
  const keys = (rows: "methods" | "layers", at: number) =>
    filmRows(films, films[at], rows).map(({ key }) => key);

  it("are the other methods, at the same layer", () => {
    expect(keys("methods", 2)).toEqual(["layer_cam/conv5", "saliency"]);
    expect(keys("methods", 0)).toEqual(["grad_cam/conv1", "layer_cam/conv1"]);
  });

  it("or the other layers of one method", () => {
    expect(keys("layers", 2)).toEqual(["grad_cam/conv1"]);
    expect(keys("layers", 0)).toEqual([]);
  });
});

describe("figures of trust", () => {
  const all = [
    ...films,
    record("quality/saliency", {
      axes: ["metric"],
      shape: [3],
      labels: { metric: ["deletion", "region_share", "invented"] },
    }),
    record("agreement", {
      form: "numbers",
      axes: ["metric"],
      shape: [2],
      labels: { metric: ["saliency ~ grad_cam/conv1", "grad_cam/conv1 ~ layer_cam/conv1"] },
      options: { similarity: "spearman" },
    }),
    record("layer_cam/gap", { axes: [], shape: [] }),
  ];
  const of = (at: number) => trustOf(films[at], all).map(({ name, better }) => [name, better]);

  it("are those of this very record: its quality, its pairs, its gap", () => {
    expect(of(0)).toEqual([
      ["deletion", "lower"],
      ["mass in region", "higher"],
      ["invented", null],
      ["like Grad-CAM", "higher"],
    ]);
    expect(of(1).map(([name]) => name)).toEqual(["like Saliency", "like Layer-CAM"]);
    expect(of(2)).toEqual([]);
    expect(of(4)).toEqual([["completeness gap", "lower"]]);
  });
});

describe("a flat map", () => {
  it("differs by less than float16 keeps apart", () => {
    expect(isFlatMap(0, 0)).toBe(true);
    expect(isFlatMap(5, 5.004)).toBe(true);
    expect(isFlatMap(5, 5.01)).toBe(false);
    expect(isFlatMap(-1e-9, 1e-9)).toBe(false);
  });
});
