import { describe, expect, it } from "vitest";
import { axisOf, lackingGaps, nearest } from "../src/core/axis";
import { areaPath, linePath } from "../src/core/curve";
import { spokenStep } from "../src/core/format";
import { loopOf, tick, toggle } from "../src/core/player";

function logged(steps: number[], epochs: (number | null)[] = steps, wallTimes: number[] = steps) {
  return { steps, epochs, wallTimes };
}

describe("the axis", () => {
  it("puts every step where it belongs", () => {
    expect([...axisOf(logged([0, 1, 4]), "epoch").places]).toEqual([0, 0.25, 1]);
    const timed = axisOf(logged([0, 1, 2], [0, 1, 2], [100, 130, 300]), "time");
    expect([...timed.places]).toEqual([0, 0.15, 1]);
    expect([...axisOf(logged([3]), "step").places]).toEqual([0.5]);
  });

  it("spreads several steps of an epoch over it, the last at its end", () => {
    const axis = axisOf(logged([10, 20, 30, 40], [0, 0, 1, 1]), "epoch");
    expect([...axis.places]).toEqual([0, 1 / 3, 2 / 3, 1]);
  });

  it("counts steps where there are no epochs", () => {
    expect([...axisOf(logged([0, 10, 40], [null, null, null]), "epoch").places]).toEqual([
      0, 0.25, 1,
    ]);
  });

  it("never runs backwards, though a step was logged again later", () => {
    const places = axisOf(logged([0, 1, 2], [0, 1, 2], [0, 90, 50]), "time").places;
    expect([...places]).toEqual([0, 1, 1]);
  });

  it("hatches what was not logged, by its steps, and nothing of a regular stride", () => {
    const { gaps } = axisOf(logged([0, 1, 2, 6, 7, 8, 10]), "step");
    expect(gaps.map(({ says }) => says)).toEqual([
      "steps 3 to 5 were not logged",
      "step 9 was not logged",
    ]);
    expect(gaps[0].from).toBeCloseTo(0.25, 12);
    expect(gaps[0].to).toBeCloseTo(0.55, 12);
    expect(axisOf(logged([0, 5, 10, 15]), "step").gaps).toEqual([]);
    expect(axisOf(logged([0, 5, 10, 20, 25]), "step").gaps.map(({ says }) => says)).toEqual([
      "step 15 was not logged",
    ]);
  });

  it("has few round numbers, however long the run is", () => {
    const long = Array.from({ length: 10_000 }, (_, i) => i);
    const { marks, gaps } = axisOf(logged(long), "epoch");
    expect(marks.map(({ text }) => text)).toEqual(["0", "2000", "4000", "6000", "8000"]);
    expect(gaps).toEqual([]);
    expect(axisOf(logged([-1, 0, 1, 2]), "epoch").marks.map(({ text }) => text)).toEqual([
      "init",
      "0",
      "1",
      "2",
    ]);
    const hours = axisOf(logged([0, 1], [0, 1], [1e9, 1e9 + 3 * 3600]), "time").marks;
    expect(hours.at(0)?.text).toBe("0 h");
    expect(hours.at(-1)?.text).toBe("3 h");
  });

  it("finds the nearest step", () => {
    const places = [0, 0.1, 0.5, 1];
    expect([-1, 0.04, 0.06, 0.29, 0.31, 0.8, 2].map((share) => nearest(places, share))).toEqual([
      0, 0, 1, 1, 2, 3, 3,
    ]);
  });

  it("hatches steps that lack the record, unless it is logged seldom", () => {
    const steps = [0, 1, 2, 3];
    const places = [0, 1 / 3, 2 / 3, 1];
    const found = lackingGaps(steps, places, [1], (step) => `no ${step}`);
    expect(found).toEqual([{ from: 1 / 6, to: 0.5, says: "no 1" }]);
    expect(lackingGaps(steps, places, [0, 1, 2], String)).toEqual([]);
  });
});

describe("lines", () => {
  it("stand where the axis has their steps and do not cross a gap", () => {
    const drawn = { places: [0, 0.1, 1], breaks: new Set([2]) };
    expect(linePath([0, 1, 1], 0, 1, drawn)).toBe("M0 100h0L100 0M1000 0h0");
    expect(areaPath([0, 1, 1], 0, 1, drawn)).toBe(
      "M0 100L0 100L100 0L100 100ZM1000 100L1000 0L1000 100Z",
    );
  });

  it("of long series are short, areas as well", () => {
    const values = Float32Array.from({ length: 10_000 }, (_, i) => i % 7);
    expect(areaPath(values, 0, 7).split("L").length).toBeLessThan(2000);
  });
});

describe("a loop", () => {
  it("lies between the flags, whichever comes first", () => {
    expect(loopOf([0, 5, 10, 15], 10, 5)).toEqual({ from: 1, to: 2 });
    expect(loopOf([0, 5, 10, 15], null, null)).toEqual({ from: 0, to: 3 });
    expect(loopOf([0, 5, 10, 15], 7, 10)).toEqual({ from: 0, to: 2 });
  });

  it("begins again at its end, and is entered from outside", () => {
    const loop = { from: 1, to: 3 };
    const at = (index: number) => tick({ state: "playing", index, count: 9 }, loop);
    expect([at(1), at(2), at(3), at(7), at(0)].map(({ index }) => index)).toEqual([2, 3, 1, 1, 1]);
    expect(at(3).state).toBe("playing");
    expect(toggle({ state: "paused", index: 8, count: 9 }, loop)).toMatchObject({ index: 1 });
    expect(toggle({ state: "paused", index: 2, count: 9 }, loop)).toMatchObject({ index: 2 });
  });
});

it("a step is heard as its epoch and its metric", () => {
  const metric = { name: "val_loss", value: 0.4123 };
  expect(spokenStep(2, [0, 1, 2, 50], 2, metric)).toBe("epoch 2 of 50, val loss 0.412");
  expect(spokenStep(-1, [-1, 0], 0, metric)).toBe("untrained, val loss 0.412");
  expect(spokenStep(300, [0, 1], 1, null)).toBe("epoch 1 of 1, step 300");
});
