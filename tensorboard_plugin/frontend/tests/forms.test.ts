import { describe, expect, it } from "vitest";
import {
  barOf,
  decadesOf,
  footOf,
  linearScale,
  logScale,
  logSpan,
  orderOf,
} from "../src/core/bars";
import { cardOf } from "../src/core/cards";
import { type Columns, spanOf } from "../src/core/columns";
import { entryNames, entryText, entryValues } from "../src/core/entries";
import { figureNames, figuresOf } from "../src/core/figures";
import { barKindOf, homeOf, isFilm, sizeText, turns } from "../src/core/forms";
import { gapRecord, largeGap } from "../src/core/gap";
import type { Form, InputSpec, MapRow } from "../src/core/types";
import { record } from "./record";

const IMAGE = ["height", "width", "channel"];

describe("what a record is drawn as", () => {
  it("says in which view it is looked at", () => {
    const home = (form: Form) => homeOf(record("a", { form }));
    expect(home("weights")).toBe("gradients");
    expect(home("channels")).toBe("layers");
    expect([home("map"), home("numbers"), home("plane")]).toEqual(["evolve", "evolve", "evolve"]);
  });

  it("numbers and points do not turn, and rows with names have no film of an example", () => {
    expect([
      turns(record("a", { form: "numbers" })),
      turns(record("a", { form: "points" })),
    ]).toEqual([false, false]);
    expect(isFilm(record("a"))).toBe(true);
    expect(isFilm(record("a", { rows: ["all probes"] }))).toBe(false);
    expect(isFilm(record("a", { form: "numbers" }))).toBe(false);
  });

  it("its size is told in words", () => {
    const size = (axes: string[], shape: number[], change = {}) =>
      sizeText(record("a", { axes, shape, ...change }));
    expect(size(IMAGE, [12, 10, 3], { shown: "sum" })).toBe("12×10");
    expect(size(IMAGE, [12, 10, 16])).toBe("12×10, 16 channels");
    expect(size(["head", "query", "key"], [1, 12, 12])).toBe("1 head, 12 queries, 12 keys");
    expect(size([], [])).toBe("a number");
    expect(size(["coordinate"], [2], { form: "points" })).toBe("points");
  });
});

const tokens: InputSpec = { name: "words", kind: "tokens", axes: ["feature"], shape: [3] };
const table: InputSpec = { name: "table", kind: "features", axes: ["feature"], shape: [2] };

describe("entries of an axis", () => {
  it("are called by their labels, their tokens, or counted", () => {
    const raw = { shape: [3], values: [5, 7, 9] };
    const named = record("a", { axes: ["feature"], labels: { feature: ["age", 4] } });
    expect(entryNames(named, "feature", 2)).toEqual(["age", "4"]);
    expect(entryNames(record("a"), "time", 3, tokens, raw)).toEqual(["#5", "#7", "#9"]);
    expect(entryNames(record("a"), "time", 2, tokens, raw)).toEqual(["t 0", "t 1"]);
    expect(entryNames(record("a"), "layer", 1, tokens, raw)).toEqual(["layer 0"]);
    expect(entryText("query", 3, "#57")).toBe("query 3 (#57)");
    expect(entryText("time", 3, "t 3")).toBe("time 3");
  });

  it("of a table have the input's values beside them, tokens have not", () => {
    const raw = { shape: [2], values: [0.5, -2] };
    expect(entryValues("feature", 2, table, raw)).toEqual(["0.500", "−2.00"]);
    expect(entryValues("feature", 3, table, raw)).toBeUndefined();
    expect(entryValues("feature", 3, tokens, { shape: [3], values: [1, 2, 3] })).toBeUndefined();
  });

  it("are bars where they are few or have names, tokens where they are, else a line", () => {
    const of = (axes: string[], shape: number[], change = {}) =>
      record("a", { axes, shape, ...change });
    expect(barKindOf(of(["feature"], [8]), undefined)).toBe("bars");
    expect(barKindOf(of(["feature"], [800]), undefined)).toBe("line");
    expect(barKindOf(of(["time"], [9]), undefined)).toBe("line");
    expect(barKindOf(of(["time", "channel"], [3, 8], { shown: "sum" }), tokens)).toBe("tokens");
    const names = { labels: { feature: Array.from({ length: 100 }, (_, i) => `f${i}`) } };
    expect(barKindOf(of(["feature"], [100], names), undefined)).toBe("bars");
  });

  it("ask for cards of their size", () => {
    const few = cardOf(record("a", { form: "bars", axes: ["feature"], shape: [3] }), table);
    const many = cardOf(record("a", { form: "bars", axes: ["feature"], shape: [30] }), table);
    expect(few.kind).toBe("bars");
    expect(many.heightOf(200) - few.heightOf(200)).toBe(4 * 18);
    expect(
      cardOf(record("a", { form: "bars", axes: ["layer"], shape: [3] }), undefined).upright,
    ).toBe(true);
  });
});

const columns = (rows: number, min: number[], max = min): Columns => ({
  steps: [0, 1],
  rows,
  stats: new Map([
    ["min", Float32Array.from(min)],
    ["max", Float32Array.from(max)],
  ]),
});

describe("bars", () => {
  it("begin at zero, which is in the middle of a signed scale", () => {
    const signed = linearScale({ lo: -1, hi: 4 }, true);
    expect(signed).toEqual({ lo: -4, hi: 4, logarithmic: false });
    expect(barOf(2, signed)).toEqual({ left: 0.5, width: 0.25 });
    expect(barOf(-4, signed)).toEqual({ left: 0, width: 0.5 });
    expect(barOf(Number.NaN, signed)).toEqual({ left: 0.5, width: 0 });
    const unsigned = linearScale({ lo: 1, hi: 4 }, false);
    expect(footOf(unsigned)).toBe(0);
    expect(barOf(1, unsigned)).toEqual({ left: 0, width: 0.25 });
  });

  it("on a logarithmic scale begin at a power of ten; zero has none", () => {
    const scale = logScale(3e-4, 20);
    expect([scale.lo, scale.hi].map((value) => Math.log10(value))).toEqual([-4, 2]);
    expect(barOf(1e-1, scale).width).toBeCloseTo(0.5, 6);
    expect(barOf(0, scale).width).toBe(0);
    expect(decadesOf(scale).map((value) => Math.log10(value))).toEqual([-4, -2, 0, 2]);
    expect(Math.log10(logScale(1e-30, 1).lo)).toBeCloseTo(-10, 9);
  });

  it("of layers are compared by factors where they are sizes far apart", () => {
    const flow = record("a", { axes: ["layer"], shape: [2] });
    expect(logSpan(flow, columns(1, [0, 1e-6], [3, 40]))).toMatchObject({
      most: 40,
      suits: true,
    });
    expect(logSpan(flow, columns(1, [1e-4, 1e-3], [0.9, 0.95]))?.suits).toBe(false); // shares
    expect(logSpan(flow, columns(1, [2, 3], [4, 5]))?.suits).toBe(false);
    expect(logSpan(record("a", { axes: ["feature"] }), columns(1, [1e-6, 1]))).toBeUndefined();
    expect(logSpan({ ...flow, signed: true }, columns(1, [1e-6, 1]))).toBeUndefined();
  });

  it("come by magnitude or as given, what is no number last", () => {
    const values = [1, -3, Number.NaN, 2];
    expect(orderOf(values, "largest")).toEqual([1, 3, 0, 2]);
    expect(orderOf(values, "given")).toEqual([0, 1, 2, 3]);
  });
});

describe("numbers of examples", () => {
  const gap = record("ig/gap", { axes: [], title: "IG: gap" });
  const records = [record("ig", { title: "IG" }), gap];

  it("are called by their labels, or by their record", () => {
    const metrics = record("q", { axes: ["metric"], shape: [2], labels: { metric: ["a", "b"] } });
    expect(figureNames(metrics, [metrics])).toEqual(["a", "b"]);
    expect(figureNames(gap, records)).toEqual(["gap"]);
  });

  it("are missing where a row is", () => {
    const row: MapRow = {
      step: 0,
      row: 0,
      status: "ok",
      shape: [2],
      axes: ["metric"],
      values: Float32Array.from([1, 2]),
    };
    expect([...figuresOf([row, undefined], 1)]).toEqual([2, Number.NaN]);
    expect(spanOf(columns(2, [1, Number.NaN, -2, 0]))).toEqual([-2, 1]);
    expect(spanOf(columns(1, [Number.NaN]))).toEqual([0, 0]);
  });

  it("tell of a large completeness gap of the middle example", () => {
    expect(gapRecord(records, "ig")?.key).toBe("ig/gap");
    expect(gapRecord(records, "other")).toBeUndefined();
    const gaps = columns(3, [0.01, -0.3, 0.2, 0.01, 0.02, 0.9]);
    expect(largeGap(gaps, 0)).toBeCloseTo(0.2, 6);
    expect(largeGap(gaps, 1)).toBeUndefined();
    expect(largeGap(undefined, 0)).toBeUndefined();
  });
});
