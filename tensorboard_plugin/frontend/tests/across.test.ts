import { describe, expect, it } from "vitest";
import { acrossInputs, addsUp, isOfScore, loudest, sizeOf, together } from "../src/core/across";
import type { RecordSpec } from "../src/core/types";
import { record } from "./record";

const of = (input: string | null, more: Partial<RecordSpec> = {}) =>
  record(`integrated_gradients/${input}`, { signed: true, title: "IG", input, ...more });
const photo = of("photo", { axes: ["height", "width", "channel"] });
const row = of("row", { axes: ["feature"] });
const pieces = of("row", { axes: ["feature"], key: "integrated_gradients/pieces" });

describe("a method's records on several inputs", () => {
  it("are one an input, in the run's order, and on its own input the one looked at", () => {
    const all = [photo, row, pieces];
    expect(acrossInputs(all, photo)).toEqual([photo, row]);
    expect(acrossInputs(all, pieces)).toEqual([photo, pieces]);
    expect(acrossInputs([row, photo], photo)).toEqual([row, photo]);
  });
  it("are none where there is one input, no input, or rows that are no examples", () => {
    expect(acrossInputs([row, pieces], row)).toEqual([]);
    expect(acrossInputs([photo, row], of(null))).toEqual([]);
    expect(acrossInputs([photo, row], { ...photo, rows: ["kernel"] })).toEqual([]);
  });
  it.each([
    { method: "saliency" },
    { title: "IG from black" },
    { signed: false },
    { input: null },
    { rows: ["kernel"] },
  ])("are not those of another kind: %o", (other) => {
    expect(acrossInputs([photo, { ...row, ...other }], photo)).toEqual([]);
  });
  it("compare where they are in the unit of the score, whatever the method is called", () => {
    const said = (quantity: string, unit: string) => {
      const spec = { ...photo, quantity, unit };
      return [isOfScore(spec), addsUp(spec)];
    };
    expect(said("attribution", "score")).toEqual([true, true]);
    expect(said("relevance", "score")).toEqual([true, true]);
    expect(said("importance", "score")).toEqual([true, false]);
    expect(said("sensitivity", "score per input unit")).toEqual([false, false]);
    expect(said("attribution", "score per region")).toEqual([false, false]);
    expect(said("attribution", "score, squared")).toEqual([false, false]);
    expect(said("change", "input")).toEqual([false, false]);
    expect(said("unknown", "unknown")).toEqual([false, false]);
  });
});

it("the size is that of the magnitudes, the sum has signs, and neither counts what is no number", () => {
  expect(sizeOf([1, -2, Number.NaN, Number.POSITIVE_INFINITY, 0.5])).toEqual({
    size: 3.5,
    sum: -0.5,
  });
  expect(sizeOf([])).toEqual({ size: 0, sum: 0 });
});

it("one scale holds all, and there is none before all are known", () => {
  expect(
    together([
      { lo: -1, hi: 2 },
      { lo: -3, hi: 1 },
    ]),
  ).toEqual({ lo: -3, hi: 2 });
  expect(
    together([
      { lo: -3, hi: 1 },
      { lo: -1, hi: 2 },
    ]),
  ).toEqual({ lo: -3, hi: 2 });
  expect(together([{ lo: -1, hi: 2 }, undefined])).toBeUndefined();
  expect(together([])).toBeUndefined();
});

it("the loudest plane is the one of the largest magnitudes, the first of several", () => {
  const planes = [
    [1, 1],
    [-4, 0],
    [0, 4],
    [3, -0.5],
  ].map((plane) => Float32Array.from(plane));
  expect(loudest(4, (plane) => planes[plane])).toBe(1);
  expect(loudest(1, (plane) => planes[plane])).toBe(0);
  expect(loudest(0, (plane) => planes[plane])).toBe(0);
});
