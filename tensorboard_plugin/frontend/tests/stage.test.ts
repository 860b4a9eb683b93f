import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { cellAt, moved, pointOf } from "../src/core/cursor";
import { spearman } from "../src/core/diff";
import { centreOf, centreShift, likenessOf, ssim } from "../src/core/likeness";
import { levelOf, louderOf, type Side, type SideFacts, sideOf, staged } from "../src/core/stage";
import type { MapRow } from "../src/core/types";
import { bilinear, finenessOf } from "../src/core/upsample";
import {
  boxOf,
  boxText,
  pan,
  paneAt,
  pictureAt,
  reveal,
  SMALLEST,
  WHOLE,
  within,
  zoomAt,
} from "../src/core/zoom";

interface Pair {
  height: number;
  width: number;
  a: number[];
  b: number[];
  spearman: number;
  ssim: number;
  centre_a: [number, number];
  shift: number;
  level: number;
  fine: number[];
}

/** Written by `scripts/golden.py`: what SciPy and scikit-image make of random maps. */
const pairs = JSON.parse(
  readFileSync(new URL("./fixtures/pairs.json", import.meta.url), "utf8"),
) as Pair[];

describe("likeness", () => {
  it.each(pairs)("of $height x $width maps is SciPy's and scikit-image's", (pair) => {
    const { a, b, height, width } = pair;
    expect(spearman(a, b)).toBeCloseTo(pair.spearman, 10);
    expect(ssim(a, b, height, width)).toBeCloseTo(pair.ssim, 10);
    const centre = centreOf(a, width);
    expect([centre.y, centre.x]).toEqual(pair.centre_a.map((at) => expect.closeTo(at, 10)));
    expect(centreShift(a, b, width)).toBeCloseTo(pair.shift, 10);
  });

  it("of a map with itself is 1, and its centre stays", () => {
    const a = Float32Array.from(pairs[0].a);
    const figures = likenessOf(a, a, 12, 12).map(({ value }) => value);
    expect(figures).toEqual([1, 1, 1, 1, 0].map((value) => expect.closeTo(value, 10)));
  });

  it("says nothing of numbers that are not finite, of windows that do not fit, of no contrast", () => {
    const broken = Float32Array.from(pairs[0].a);
    broken[3] = Number.NaN;
    const whole = Float32Array.from(pairs[0].b);
    for (const { value } of likenessOf(broken, whole, 12, 12)) expect(value).toBeNaN();
    expect(ssim([1, 2, 3, 4], [2, 1, 3, 4], 2, 2)).toBeNaN();
    expect(ssim(new Float32Array(49), new Float32Array(49), 7, 7)).toBeNaN();
    expect(likenessOf(new Float32Array(9), whole.slice(0, 9), 1, 9)).toHaveLength(4);
  });
});

describe("upsampling", () => {
  it.each(pairs)(
    "of $height x $width maps is SciPy's linear zoom",
    ({ a, height, width, fine }) => {
      const found = bilinear(a, height, width, 2);
      expect(found).toHaveLength(fine.length);
      for (let i = 0; i < fine.length; i++) expect(found[i]).toBeCloseTo(fine[i], 5);
    },
  );

  it("brings small maps to about 480, and leaves large ones", () => {
    expect(finenessOf(12, 12)).toBe(40);
    expect(finenessOf(7, 14)).toBe(34);
    expect(finenessOf(1000, 900)).toBe(1);
    expect([...bilinear([1, 2, 3, 4], 2, 2, 1)]).toEqual([1, 2, 3, 4]);
  });

  it("keeps what is not a number to its neighbourhood", () => {
    const found = bilinear([Number.NaN, 1, 1, 1], 1, 4, 2);
    expect(found.slice(4, 8)).toEqual(Float32Array.from([1, 1, 1, 1]));
    expect(found[0]).toBeNaN();
  });
});

describe("the zoom", () => {
  it("keeps the point under the pointer where it is", () => {
    const at = { x: 0.7, y: 0.2 };
    const before = paneAt(WHOLE, at);
    const box = zoomAt(WHOLE, at, 4);
    expect(box.size).toBe(0.25);
    expect(paneAt(box, at).x).toBeCloseTo(before.x, 12);
    expect(paneAt(box, at).y).toBeCloseTo(before.y, 12);
    expect(pictureAt(box, before).x).toBeCloseTo(0.7, 12);
  });

  it("never leaves the picture", () => {
    expect(zoomAt({ x: 0.5, y: 0, size: 0.5 }, { x: 1, y: 0 }, 1 / 8)).toEqual(WHOLE);
    expect(zoomAt(WHOLE, { x: 0, y: 0 }, 1e6).size).toBe(SMALLEST);
    expect(pan({ x: 0.5, y: 0.5, size: 0.5 }, -3, 3)).toEqual({ x: 0.5, y: 0, size: 0.5 });
    expect(pan({ x: 0.25, y: 0.25, size: 0.5 }, 0.5, 0)).toEqual({ x: 0, y: 0.25, size: 0.5 });
  });

  it("follows the cursor no further than it must", () => {
    const box = { x: 0.25, y: 0.25, size: 0.5 };
    expect(reveal(box, { x: 0.4, y: 0.8 })).toEqual({ x: 0.25, y: expect.closeTo(0.3), size: 0.5 });
    expect(within(box, { x: 0.3, y: 0.3 })).toEqual({ x: 0.3, y: 0.3 });
    expect(within(box, { x: 0.9, y: 0.3 })).toEqual({ x: 0.5, y: 0.5 });
  });

  it("goes through the address, and nonsense is the whole picture", () => {
    const box = { x: 0.125, y: 0.5, size: 0.25 };
    expect(boxText(box)).toBe("0.125_0.5_0.25");
    expect(boxOf(boxText(box))).toEqual(box);
    expect(boxText(WHOLE)).toBe("");
    for (const text of ["", "a_b_c", "0_0", "0_0_1_1", "NaN_0_1", "0x1_0_0.5", "__"])
      expect(boxText(boxOf(text))).toBe("");
    expect(boxOf("9_9_0.5")).toEqual({ x: 0.5, y: 0.5, size: 0.5 });
    expect(boxOf("0_0_0").size).toBe(SMALLEST);
  });
});

describe("the cursor", () => {
  it("names the cell of each grid at the same point", () => {
    const point = pointOf({ row: 2, column: 7 }, 4, 8);
    expect(cellAt(point, 4, 8)).toEqual({ row: 2, column: 7 });
    expect(cellAt(point, 2, 2)).toEqual({ row: 1, column: 1 });
    expect(cellAt({ x: 1, y: -1 }, 4, 8)).toEqual({ row: 0, column: 7 });
    expect(moved({ row: 2, column: 7 }, 10, -1, 4, 8)).toEqual({ row: 3, column: 6 });
  });
});

describe("the stage", () => {
  const row = (values: number[], shape = [2, 2]): MapRow => ({
    step: 0,
    row: 0,
    status: "ok",
    shape,
    axes: ["height", "width"],
    values: Float32Array.from(values),
  });
  const side = (map: MapRow | undefined, facts: Partial<SideFacts> = {}): Side =>
    sideOf({
      title: "",
      name: "",
      key: "saliency",
      map,
      domain: { lo: 0, hi: 4 },
      signed: false,
      unit: "score",
      colours: "cividis",
      reason: "",
      ...facts,
    });
  const a = side(row([0, 1, 2, 4]));
  const b = side(row([1, 0, 2, 8]), { domain: { lo: -1, hi: 8 } });

  it("puts A and B on one scale, and subtracts A from B", () => {
    const shown = staged(a, b, "minmax", false);
    expect(shown.a?.domain).toEqual({ lo: -1, hi: 8 });
    expect(shown.b?.domain).toEqual(shown.a?.domain);
    expect([...(shown.delta?.values ?? [])]).toEqual([1, -1, 0, 4]);
    expect(shown.delta?.domain).toEqual({ lo: -4, hi: 4 });
    expect([...(shown.size?.values ?? [])]).toEqual([1, 1, 0, 4]);
    expect(shown.size?.domain).toEqual({ lo: 0, hi: 4 });
    expect(shown.why).toBe("");
  });

  it("divides each by its own level where that is wanted", () => {
    const shown = staged(a, b, "minmax", true);
    expect([...(shown.b?.values ?? [])]).toEqual([0.125, 0, 0.25, 1]);
    expect(shown.b?.domain).toEqual({ lo: 0, hi: 1 });
    expect([...(shown.delta?.values ?? [])]).toEqual([0.125, -0.25, -0.25, 0]);
    expect(staged(a, side(row([0, 0, 0, 0])), "p1", true).b?.domain).toEqual({ lo: 0, hi: 0 });
  });

  it("says which side is far larger", () => {
    expect(levelOf(Float32Array.from(pairs[0].a))).toBeCloseTo(pairs[0].level, 6);
    const large = Float32Array.from([0, -30]);
    const small = Float32Array.from([10, 0]);
    expect(louderOf(large, small)).toEqual({ tag: "A", times: expect.closeTo(3) });
    expect(louderOf(small, large)?.tag).toBe("B");
    expect(louderOf(small, small)).toBeNull();
    expect(louderOf(small, new Float32Array(2))).toBeNull();
    expect(louderOf(small, undefined)).toBeNull();
  });

  it.each([
    [side(row([1, 2, 3, 4, 5, 6], [2, 3])), "A has 2×2 values and B 2×3"],
    [side(row([1, 2, 3, 4]), { signed: true }), "B is signed and A is not"],
    [side({ ...row([1, 2, 3, 4]), status: "missing" }), "B is missing"],
    [side({ ...row([1, 2, 3, 4]), status: "damaged" }), "B is missing"],
  ])("says why there is no difference", (other, words) => {
    const shown = staged(a, other, "p1", false);
    expect(shown.why).toContain(words);
    expect(shown.delta).toBeUndefined();
    expect(shown.a?.values).toBe(a.values);
  });

  it("waits in silence for what is on its way", () => {
    const shown = staged(a, side(undefined), "p1", false);
    expect(shown.why).toBe("");
    expect(shown.delta).toBeUndefined();
  });
});
