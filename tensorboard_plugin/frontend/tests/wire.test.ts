import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { colourTable } from "../src/core/colours";
import { signedDifference } from "../src/core/diff";
import { decodeHalf, decodeHalves } from "../src/core/float16";
import { mapRows } from "../src/core/maps";
import { paint } from "../src/core/paint";
import { arrayOf, decodeBundle } from "../src/core/wire";

const read = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url));
const bytes = read("maps.kxb");
const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
const golden = JSON.parse(read("maps.json").toString()) as {
  values: (number | null)[];
  domain: [number, number];
  painted: number[];
  painted_non_finite: number[];
  delta: number[];
};
const rows = mapRows(decodeBundle(buffer));

describe("a bundle written by Python", () => {
  it("is read to the same numbers", () => {
    const values = rows.flatMap((row) => [...row.values]);
    expect(values.map((value) => (Number.isFinite(value) ? value : null))).toEqual(golden.values);
  });

  it("names step, row, axes and status of each map", () => {
    expect(rows.map(({ step, row }) => [step, row])).toEqual([
      [-1, 0],
      [-1, 2],
      [-1, 5],
      [4, 0],
      [4, 2],
      [4, 5],
    ]);
    expect(rows.map(({ status }) => status)).toEqual([
      "ok",
      "ok",
      "missing",
      "damaged",
      "ok",
      "nonfinite",
    ]);
    expect(rows[0].shape).toEqual([4, 5]);
    expect(rows[0].axes).toEqual(["height", "width"]);
  });

  it("keeps text of any language in its header", () => {
    expect(decodeBundle(buffer).header.note).toBe("é ✓");
  });

  it("is painted to the same bytes as in NumPy", () => {
    const pixels = new Uint8ClampedArray(80);
    const [lo, hi] = golden.domain;
    paint(rows[1].values, { lo, hi }, colourTable("PuOr"), pixels);
    expect([...pixels]).toEqual(golden.painted);
    paint(rows[5].values, { lo: -0.01, hi: 0.02 }, colourTable("cividis"), pixels);
    expect([...pixels]).toEqual(golden.painted_non_finite);
    expect([...pixels.slice(0, 4)]).toEqual([255, 0, 255, 255]);
  });

  it("is subtracted to the same float32", () => {
    expect([...signedDifference(rows[1].values, rows[4].values)]).toEqual(golden.delta);
  });
});

describe("a broken bundle", () => {
  it("is refused by its first bytes", () => {
    expect(() => decodeBundle(new ArrayBuffer(16))).toThrow("not a bundle");
  });

  it("is refused where it was cut off", () => {
    expect(() => decodeBundle(buffer.slice(0, 20))).toThrow("cut off in its header");
    expect(() => decodeBundle(buffer.slice(0, buffer.byteLength - 8))).toThrow("cut off in");
  });

  it("says which array is not there", () => {
    expect(() => arrayOf(decodeBundle(buffer), "pixels")).toThrow('holds no "pixels"');
  });
});

describe("halves", () => {
  it("decode by hand as they are defined", () => {
    expect(decodeHalf(0x3c00)).toBe(1);
    expect(decodeHalf(0xc000)).toBe(-2);
    expect(decodeHalf(0x7bff)).toBe(65504);
    expect(decodeHalf(0x0001)).toBe(2 ** -24);
    expect(decodeHalf(0x0400)).toBe(2 ** -14);
    expect(decodeHalf(0x7c00)).toBe(Number.POSITIVE_INFINITY);
    expect(decodeHalf(0xfc00)).toBe(Number.NEGATIVE_INFINITY);
    expect(decodeHalf(0x7e00)).toBeNaN();
    expect(Object.is(decodeHalf(0x8000), -0)).toBe(true);
  });

  it("decode from a table", () => {
    const bits = Uint16Array.from([0x3c00, 0x7bff, 0x0001]);
    expect([...decodeHalves(bits.buffer, 2, 2)]).toEqual([65504, 2 ** -24]);
  });
});
