import { describe, expect, it } from "vitest";
import { cosine, differenceDomain, ranks, spearman, topOverlap } from "../src/core/diff";
import { ago, digits, percent, plural, signedDigits, stepName } from "../src/core/format";
import { chooseFrames, FRAME_WIDTH, fittingFrames, GAP_WIDTH } from "../src/core/frames";
import { evenly, placeOf } from "../src/core/sampling";
import {
  commonJumps,
  jumpCounts,
  jumpsOf,
  median,
  medianOverRows,
  quantile,
  totalOverSteps,
} from "../src/core/statistics";
import { steady } from "../src/core/steady";
import { pitchOf } from "../src/core/tone";

const NaN_ = Number.NaN;

describe("statistics", () => {
  it("quantiles interpolate as numpy.quantile does, over what is finite", () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(quantile([4, 1, 3, 2, NaN_], 0.9)).toBeCloseTo(3.7, 12);
    expect(quantile([], 0.5)).toBeNaN();
  });

  it("median over rows and total over steps run along the right axis", () => {
    const table = [1, 2, 9, NaN_, 5, 7];
    expect([...medianOverRows(table, 3)]).toEqual([2, 6]);
    expect([...totalOverSteps(table, 3)]).toEqual([1, 7, 16]);
    expect(median([3])).toBe(3);
  });

  it("a jump is a peak far above the others", () => {
    expect(jumpsOf([NaN_, 0.1, 0.11, 0.9, 0.12, 0.1, 0.09])).toEqual([3]);
    expect(jumpsOf([NaN_, 0.8, 0.5, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])).toEqual([1]);
  });

  it("a common jump is one of a tenth of the rows, and more than one", () => {
    const quiet = [0.01, 0.02, 0.01, 0.02, 0.01, 0.02];
    const loud = [0.01, 0.02, 0.01, 0.9, 0.01, 0.02];
    const table = quiet.flatMap((_, s) => [quiet[s], loud[s], quiet[s], loud[s]]);
    const counts = jumpCounts(table, 4);
    expect([...counts]).toEqual([0, 0, 0, 2, 0, 0]);
    expect(commonJumps(counts, 4)).toEqual([3]);
    expect(commonJumps([0, 1, 0], 4)).toEqual([]);
    expect(commonJumps([0, 1, 0], 1)).toEqual([1]);
  });

  it("what hardly moves has no jumps", () => {
    expect(jumpsOf([0.001, 0.001, 0.04, 0.001])).toEqual([]);
    expect(jumpsOf([])).toEqual([]);
  });
});

describe("likeness", () => {
  const a = [1, 2, 3, 4];

  it("cosine is 1 along a line and -1 against it", () => {
    expect(cosine(a, [2, 4, 6, 8])).toBeCloseTo(1, 12);
    expect(cosine(a, [-1, -2, -3, -4])).toBeCloseTo(-1, 12);
    expect(cosine(a, [0, 0, 0, 0])).toBeNaN();
  });

  it("ranks share ties", () => {
    expect([...ranks([10, 20, 10, 5])]).toEqual([2.5, 4, 2.5, 1]);
  });

  it("Spearman sees order alone", () => {
    expect(spearman(a, [1, 10, 100, 1000])).toBeCloseTo(1, 12);
    // scipy.stats.spearmanr([1, 2, 3, 4], [1, 3, 2, 4])
    expect(spearman(a, [1, 3, 2, 4])).toBeCloseTo(0.8, 12);
  });

  it("top overlap is of the largest magnitudes", () => {
    const peak = (at: number) =>
      Array.from({ length: 20 }, (_, i) => (i === at || i === 7 ? -9 : 0.1));
    expect(topOverlap(peak(3), peak(3))).toBe(1);
    expect(topOverlap(peak(3), peak(5))).toBeCloseTo(1 / 3, 12);
  });

  it("a difference is drawn on a symmetric scale, also where nearly all of it is zero", () => {
    const delta = new Float32Array(200);
    delta[3] = -2;
    expect(differenceDomain(delta, "minmax")).toEqual({ lo: -2, hi: 2 });
    expect(differenceDomain(delta, "p1")).toEqual({ lo: -2, hi: 2 });
  });
});

describe("frames of a filmstrip", () => {
  const change = Float32Array.from({ length: 100 }, (_, i) => (i === 42 ? 1 : 0.01));

  it("are all steps where they fit", () => {
    expect(chooseFrames(5, 9, [], [])).toHaveLength(5);
  });

  it("hold the first, the last, A, B and the largest change", () => {
    const indices = chooseFrames(100, 8, change, [17, 63]).map(({ index }) => index);
    for (const index of [0, 17, 42, 63, 99]) expect(indices).toContain(index);
    expect(indices).toHaveLength(8);
  });

  it("count what they hide", () => {
    const frames = chooseFrames(100, 8, change, []);
    const hidden = frames.reduce((sum, frame) => sum + frame.hidden, 0);
    expect(frames.length + hidden).toBe(100);
  });

  it.each([200, 333, 800, 1201])("fit into %d pixels with their gaps", (width) => {
    const frames = fittingFrames(width, 100, change, [17]);
    const gaps = frames.filter(({ hidden }) => hidden > 0).length;
    const most = Math.max(width, 3 * FRAME_WIDTH + 2 * GAP_WIDTH);
    expect(frames.length * FRAME_WIDTH + gaps * GAP_WIDTH).toBeLessThanOrEqual(most);
  });

  it("of an empty run are none", () => {
    expect(chooseFrames(0, 8, [], [0])).toEqual([]);
  });
});

describe("sampling", () => {
  it("keeps the ends", () => {
    expect(evenly(3, 9)).toEqual([0, 1, 2]);
    const sample = evenly(10_000, 600);
    expect([sample.length, sample[0], sample[599]]).toEqual([600, 0, 9999]);
    expect(placeOf(sample, 9999)).toBe(599);
    expect(placeOf(sample, 0)).toBe(0);
  });
});

describe("numbers in words", () => {
  it("have four digits and a true minus", () => {
    expect([0.31415926, -12.3456, 0, 1234567, 0.000012345].map((value) => digits(value))).toEqual([
      "0.3142",
      "−12.35",
      "0",
      "1.235e6",
      "1.234e−5",
    ]);
    expect([NaN_, Number.POSITIVE_INFINITY, undefined].map((value) => digits(value))).toEqual([
      "–",
      "∞",
      "–",
    ]);
    expect(signedDigits(0.5)).toBe("+0.5000");
  });

  it("say steps, shares, counts and times", () => {
    expect(stepName(-1)).toBe("untrained");
    expect(stepName(3)).toBe("step 3");
    expect([percent(0.004), percent(0.5), percent(NaN_)]).toEqual(["<1 %", "50 %", "–"]);
    expect([plural(1, "step"), plural(2, "step")]).toEqual(["1 step", "2 steps"]);
    expect([ago(4), ago(600), ago(7200), ago(400_000)]).toEqual(["4 s", "10 min", "2 h", "5 days"]);
  });
});

describe("a tone", () => {
  it("rises by two octaves from no drift to the run's largest", () => {
    expect([0, 0.25, 0.5, 1].map((drift) => pitchOf(drift, 0.5))).toEqual([220, 440, 880, 880]);
    expect(pitchOf(0, 0)).toBe(220);
    expect(pitchOf(NaN_, 0.5)).toBeUndefined();
  });
});

describe("a steady list", () => {
  it("is the same one until its items differ", () => {
    const kept = steady<number>();
    const first = kept([1, 2, 3]);
    expect(kept([1, 2, 3])).toBe(first);
    const other = kept([1, 3, 2]);
    expect(other).toEqual([1, 3, 2]);
    expect(kept([1, 3])).toEqual([1, 3]);
    expect(kept([])).toEqual([]);
  });
});
