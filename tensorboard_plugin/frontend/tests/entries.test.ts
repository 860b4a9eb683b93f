import { expect, it } from "vitest";
import { entryNames, entryValues } from "../src/core/entries";
import type { InputSpec, RecordSpec } from "../src/core/types";

const record = (axes: string[], labels = {}) => ({ axes, labels }) as unknown as RecordSpec;
const table: InputSpec = {
  name: "input",
  axes: ["feature"],
  kind: "features",
  names: ["age", "sex"],
  units: { age: "years" },
  categories: { sex: { 0: "female", 1: "male" } },
};
const text: InputSpec = { name: "input", axes: ["feature"], kind: "tokens", words: { 7: "good" } };

it("features go by their names, with their values in words", () => {
  const raw = { shape: [2], values: Float32Array.of(43, 1) };
  expect(entryNames(record(["feature"]), "feature", 2, table, raw)).toEqual(["age", "sex"]);
  expect(entryValues("feature", 2, table, raw)).toEqual(["43.0 years", "male"]);
  const odd = { shape: [2], values: Float32Array.of(43, 2) };
  expect(entryValues("feature", 2, table, odd)).toEqual(["43.0 years", "2.00"]);
});

it("tokens go by their words, or by their ids", () => {
  const raw = { shape: [3], values: Int32Array.of(7, 8, 7) };
  expect(entryNames(record(["time"]), "time", 3, text, raw)).toEqual(["good", "#8", "good"]);
});

it("a record's own labels come first, and another length is counted", () => {
  const labels = { feature: ["first", "second"] };
  expect(entryNames(record(["feature"], labels), "feature", 2, table)).toEqual(labels.feature);
  const counted = ["feature 0", "feature 1", "feature 2"];
  expect(entryNames(record(["feature"]), "feature", 3, table)).toEqual(counted);
});
