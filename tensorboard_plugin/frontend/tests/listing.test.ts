import { describe, expect, it } from "vitest";
import { cellAfter, rowsOf, scrollTo } from "../src/core/grid";
import { disagreement, type Listing, listProbes, pathBetween } from "../src/core/listing";
import { atStep, isFlipped, type Verdict } from "../src/core/probes";
import type { Manifest } from "../src/core/types";
import { targetsWith } from "./record";

const manifest = {
  probes: {
    count: 4,
    labels: [0, 1, 1, 0],
    class_names: ["cat", "dog"],
    task: { kind: "classes", scale: "logits", shape: [2], output: "" },
    truth: true,
  },
};

function verdict(label: string, predicted: string, probability: number): Verdict {
  const correct = label === predicted;
  return { kind: "class", label, predicted, probability, correct, answer: predicted, listed: [] };
}

const verdicts = [
  verdict("cat", "cat", 0.9),
  verdict("dog", "cat", 0.55),
  verdict("dog", "cat", 0.95),
  verdict("cat", "cat", 0.6),
];
const before = [
  verdict("cat", "dog", 0.6),
  verdict("dog", "dog", 0.6),
  verdict("dog", "cat", 0.6),
  verdict("cat", "cat", 0.6),
];
const usual: Listing = {
  sort: "index",
  backwards: false,
  label: null,
  wrongOnly: false,
  flippedOnly: false,
  search: "",
  pinned: [],
};
const list = (change: Partial<Listing>, values?: number[]) =>
  listProbes(
    manifest as unknown as Manifest,
    { verdicts, before, values },
    { ...usual, ...change },
  );

describe("examples are sorted", () => {
  it("as given, and the other way round", () => {
    expect(list({})).toEqual([0, 1, 2, 3]);
    expect(list({ backwards: true })).toEqual([3, 2, 1, 0]);
  });

  it("by a number, the largest first, those without one last in both directions", () => {
    const values = [0.1, Number.NaN, 7, 0.1];
    for (const sort of [
      "drift",
      "drift-now",
      "drift-since",
      "loss",
      "disagreement",
      "value",
    ] as const) {
      expect(list({ sort }, values)).toEqual([2, 0, 3, 1]);
      expect(list({ sort, backwards: true }, values)).toEqual([0, 3, 2, 1]);
    }
  });

  it("by confidence, and the surest of the wrong, newly wrong or flipped first", () => {
    expect(list({ sort: "confidence" })).toEqual([2, 0, 3, 1]);
    expect(list({ sort: "wrong" })).toEqual([2, 1, 0, 3]);
    expect(list({ sort: "newly" })).toEqual([1, 0, 2, 3]);
    expect(list({ sort: "flipped" })).toEqual([0, 1, 2, 3]);
  });
});

describe("examples are left out", () => {
  it("by class, by being right, and by having kept their class", () => {
    expect(list({ label: 1 })).toEqual([1, 2]);
    expect(list({ wrongOnly: true })).toEqual([1, 2]);
    expect(list({ flippedOnly: true })).toEqual([0, 1]);
  });

  it("by words of numbers and classes, all of which must be found", () => {
    expect(list({ search: "#2" })).toEqual([2]);
    expect(list({ search: "DOG" })).toEqual([1, 2]);
    expect(list({ search: "cat dog 1" })).toEqual([1]);
    expect(list({ search: "bird" })).toEqual([]);
  });

  it("but not where they are pinned: those stay first, as they were pinned", () => {
    expect(list({ pinned: [3, 0, 99], wrongOnly: true })).toEqual([3, 0, 1, 2]);
  });
});

describe("a task without the filters", () => {
  const only = (kind: string, shape: number[], change: Partial<Listing>) => {
    const task = { kind, scale: "values", shape, output: "" };
    const probes = { ...manifest.probes, task };
    return listProbes(
      { probes } as unknown as Manifest,
      { verdicts, before },
      { ...usual, ...change },
    );
  };

  it("shows every example whatever was filtered by in another run", () => {
    const left = { wrongOnly: true, flippedOnly: true, label: 1 };
    expect(only("numbers", [1], left)).toEqual([0, 1, 2, 3]);
    expect(only("unknown", [1], left)).toEqual([0, 1, 2, 3]);
    expect(only("classes", [8, 8, 2], { wrongOnly: true })).toEqual([0, 1, 2, 3]);
  });
});

describe("the numbers sorted by", () => {
  it("figures of a step are those that the server sent", () => {
    const targets = targetsWith({ count: 2, loss: [1, 1, 0.5, Number.NaN] });
    expect([...atStep(targets, "loss", 1)]).toEqual([0.5, Number.NaN]);
    expect([...atStep(targets, "error", 1)]).toEqual([Number.NaN, Number.NaN]);
    expect([...atStep(undefined, "loss", 0)]).toEqual([]);
  });

  it("the path is drift summed between two steps, either way", () => {
    const drift = [Number.NaN, Number.NaN, 1, 10, 2, Number.NaN, 4, 40];
    expect([...pathBetween(drift, 2, 1, 3)]).toEqual([6, 40]);
    expect([...pathBetween(drift, 2, 3, 1)]).toEqual([6, 40]);
    expect([...pathBetween(drift, 2, 2, 2)]).toEqual([0, 0]);
    expect([...pathBetween(drift, 2, -1, 1)]).toEqual([1, 10]);
  });

  it("disagreement is of the pairs that a record is in, or of all", () => {
    const pairs = ["a ~ b", "a ~ c", "b ~ c"];
    expect(disagreement([0.5, 0.1, Number.NaN], pairs, "a")).toBeCloseTo(0.7, 12);
    expect(disagreement([0.5, 0.1, 0.3], pairs, "d")).toBeCloseTo(0.7, 12);
    expect(disagreement([Number.NaN], ["a ~ b"], "a")).toBeNaN();
  });

  it("a flip is another class than before", () => {
    expect(isFlipped(verdicts[0], before[0])).toBe(true);
    expect(isFlipped(verdicts[2], before[2])).toBe(false);
    expect(isFlipped(verdicts[0], null)).toBe(false);
  });
});

describe("a grid", () => {
  it("is gone through by its keys, up to its edges", () => {
    const reached = (key: string, from: number) => cellAfter(key, from, 8, 3, 2);
    expect(["ArrowRight", "ArrowDown", "End"].map((key) => reached(key, 1))).toEqual([2, 4, 7]);
    expect(["ArrowLeft", "ArrowUp", "Home"].map((key) => reached(key, 1))).toEqual([0, 1, 0]);
    expect([reached("ArrowDown", 6), reached("PageDown", 1), reached("PageUp", 7)]).toEqual([
      6, 7, 1,
    ]);
    expect(reached("x", 0)).toBeUndefined();
  });

  it("scrolls no further than to bring a cell into sight", () => {
    const sight = { columns: 2, rowHeight: 90, first: 0, last: 9, before: 0, after: 0 };
    expect(scrollTo(0, sight, 10, 50, 200)).toBe(0);
    expect(scrollTo(3, sight, 10, 50, 200)).toBeUndefined();
    expect(scrollTo(8, sight, 10, 0, 200)).toBe(310);
    expect(scrollTo(-1, sight, 10, 0, 200)).toBeUndefined();
  });

  it("has rows of as many cells as fit", () => {
    expect(rowsOf([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]]);
  });
});
