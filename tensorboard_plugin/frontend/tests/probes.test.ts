import { describe, expect, it } from "vitest";
import { answerForm, paintMask, paintValues, sidesOf, wrongPlaces } from "../src/core/answer";
import { changesFor } from "../src/core/change";
import { answerOverTime } from "../src/core/over-time";
import { classColour } from "../src/core/palette";
import {
  confidenceOf,
  groupsOf,
  isFlipped,
  namesOf,
  type Targets,
  targetsOf,
  verdictOf,
  verdictWords,
} from "../src/core/probes";
import { canFlip, explainedWords, groupName } from "../src/core/task";
import type { Manifest, Task } from "../src/core/types";
import { targetsWith } from "./record";

function task(kind: Task["kind"], shape: number[], output = ""): Task {
  const isNumber = kind === "numbers" || kind === "unknown";
  return { kind, scale: isNumber ? "values" : "logits", shape, output };
}

function manifestOf(of: Task | null, more: object = {}): Manifest {
  const probes = { count: 2, labels: null, class_names: null, task: of, truth: true, ...more };
  return { probes, score: "logit", target: "true" } as unknown as Manifest;
}

const listed = (...of: [number[], number[], number[]][]): Targets["listed"] =>
  of.map(([output, figure, truth]) => ({ output, figure, truth }));
const words = (manifest: Manifest, targets: Targets, probe = 0) => {
  const verdict = verdictOf(manifest, targets, 0, probe);
  return verdict && verdictWords(verdict);
};

describe("a verdict of one class", () => {
  const manifest = manifestOf(task("classes", [2]), {
    labels: [0, 1],
    class_names: ["cat", "dog"],
  });
  const targets = targetsWith({ count: 2, predicted: [1, 1], probability: [0.75, 0.9] });

  it("is right or wrong, in words", () => {
    expect(words(manifest, targets)).toBe("true cat, predicted dog 75 %");
    expect(words(manifest, targets, 1)).toBe("right, 90 %");
    expect(verdictOf(manifest, undefined, 0, 0)).toBeNull();
    expect(verdictOf(manifest, targetsWith({ predicted: [-1] }), 0, 0)).toBeNull();
  });

  it("is found by both classes, and belongs to the true one", () => {
    const verdict = verdictOf(manifest, targets, 0, 0);
    expect(namesOf(verdict)).toEqual(["cat", "dog"]);
    expect(groupsOf(manifest, verdict, 0)).toEqual([0]);
    expect(confidenceOf(verdict)).toBe(0.75);
    expect(changesFor(manifest)).toEqual(["probability", "loss", "score"]);
  });
});

describe("a verdict of labels", () => {
  const manifest = manifestOf(task("labels", [3]), { class_names: ["red", "blue", "dark"] });
  const at = (red: number, dark: number, right: number) =>
    targetsWith({
      right: [right],
      listed: listed([[0], [red], [1]], [[1], [0.2], [0]], [[2], [dark], [0]]),
    });

  it("names what is predicted, and how much of all is right", () => {
    expect(words(manifest, at(0.9, 0.7, 2 / 3))).toBe("red, dark, 67 % of the labels right");
    expect(verdictOf(manifest, at(0.9, 0.1, 1), 0, 0)?.correct).toBe(true);
    expect(verdictOf(manifest, at(0.1, 0.1, 2 / 3), 0, 0)?.answer).toBe("none");
  });

  it("flips where any label does", () => {
    const [one, other, same] = [at(0.9, 0.7, 1), at(0.9, 0.1, 1), at(0.6, 0.2, 1)].map((each) =>
      verdictOf(manifest, each, 0, 0),
    );
    expect(isFlipped(one, other)).toBe(true);
    expect(isFlipped(other, same)).toBe(false);
    expect(groupsOf(manifest, one, 0)).toEqual([0]);
    expect(namesOf(one)).toEqual(["red", "dark"]);
    expect(confidenceOf(one)).toBeNaN();
  });
});

describe("numbers", () => {
  const one = manifestOf(task("numbers", [1]));
  const targets = targetsWith({ error: [93.2], listed: listed([[0], [57.8], [151]]) });

  it("have a value, a true one and an error, and no verdict", () => {
    expect(words(one, targets)).toBe("57.8 (true 151, error −93.2)");
    const verdict = verdictOf(one, targets, 0, 0);
    expect(verdict).toMatchObject({ kind: "numbers", correct: null, answer: null });
    expect(isFlipped(verdict, verdict)).toBe(false);
    expect(groupsOf(one, verdict, 0)).toEqual([]);
    expect(groupName(task("numbers", [1]))).toBeNull();
    expect(canFlip(task("numbers", [1]))).toBe(false);
    expect(changesFor(one)).toEqual(["error", "score"]);
  });

  it("without what is true are values alone", () => {
    const unlabelled = manifestOf(task("numbers", [1]), { truth: false });
    expect(words(unlabelled, targetsWith({ listed: listed([[0], [2.29], [Number.NaN]]) }))).toBe(
      "2.29",
    );
    expect(changesFor(unlabelled)).toEqual(["score"]);
  });

  it("of which there are many have a mean error", () => {
    expect(words(manifestOf(task("numbers", [40])), targetsWith({ error: [0.25] }))).toBe(
      "mean |error| 0.250",
    );
  });
});

describe("classes at positions", () => {
  const manifest = manifestOf(task("classes", [4, 4, 2]));
  const targets = targetsWith({
    right: [0.875],
    overlap: [0.7],
    listed: listed([[0], [0.8], [0.75]], [[1], [0.6], [0]]),
  });

  it("have a share that is right and the mean overlap", () => {
    expect(words(manifest, targets)).toBe("88 % right · IoU 0.70");
    const verdict = verdictOf(manifest, targets, 0, 0);
    expect(groupsOf(manifest, verdict, 0)).toEqual([0]);
    expect(namesOf(verdict)).toEqual(["class 0"]);
    expect(canFlip(task("classes", [4, 4, 2]))).toBe(false);
    expect(groupName(task("classes", [4, 4, 2]))).toBe("Contains");
  });
});

describe("a run that does not say its task", () => {
  const old = manifestOf(null, { labels: [0, 1] });

  it("has numbers without a verdict", () => {
    const targets = targetsWith({
      predicted: [-1],
      listed: listed([[0], [-1.5], [Number.NaN]], [[1], [0.25], [Number.NaN]]),
    });
    expect(words(old, targets)).toBe("output 0 −1.50, output 1 0.250");
    expect(verdictOf(old, targets, 0, 0)?.correct).toBeNull();
    expect(groupName(task("unknown", [2]))).toBeNull();
    expect(changesFor(old)).toEqual(["score"]);
  });
});

describe("what is explained", () => {
  it("is the score, of an output where there are several, and the target", () => {
    expect(explainedWords(manifestOf(task("classes", [3])))).toBe("logit · target: true");
    const box = { ...manifestOf(task("numbers", [4], "box")), score: "output", target: null };
    expect(explainedWords(box)).toBe("value of box");
  });
});

describe("an answer over time", () => {
  it("is the chance of the true class, the error, or the share that is right", () => {
    const classes = manifestOf(task("binary", [1]), { labels: [1, 0], class_names: ["no", "yes"] });
    const said = targetsWith({ count: 2, trueProbability: [0.5, 0.1, 0.75, 0.2] });
    const found = answerOverTime(classes, said, 2, 0);
    expect([found.name, ...found.values]).toEqual(["P(yes)", 0.5, 0.75]);
    const number = manifestOf(task("numbers", [1]));
    const values = targetsWith({
      listed: listed([
        [0, 0],
        [2, 5],
        [4, 4],
      ]),
    });
    expect(answerOverTime(number, values, 2, 0)).toMatchObject({
      name: "value (true 4.00)",
      range: [2, 5],
    });
    const picture = answerOverTime(
      manifestOf(task("numbers", [8, 8, 1])),
      targetsWith({ error: [0.5, 0.25] }),
      2,
      0,
    );
    expect([picture.name, ...picture.values, ...picture.range]).toEqual([
      "mean |error|",
      0.5,
      0.25,
      0,
      0.5,
    ]);
    const mask = answerOverTime(
      manifestOf(task("classes", [8, 8, 2])),
      targetsWith({ right: [0.5, 1] }),
      2,
      0,
    );
    expect([mask.name, ...mask.values]).toEqual(["share right", 0.5, 1]);
  });
});

describe("an answer as a picture", () => {
  it("is a mask, a picture or a curve", () => {
    expect(answerForm(task("classes", [8, 8, 3]), 3)).toBe("mask");
    expect(answerForm(task("binary", [30, 1]), 2)).toBe("mask");
    expect(sidesOf(task("binary", [30, 1]))).toEqual({ height: 1, width: 30 });
    expect(answerForm(task("classes", [8, 8, 8, 3]), 3)).toBeNull();
    expect(answerForm(task("numbers", [8, 8, 1]), 0)).toBe("picture");
    expect(answerForm(task("numbers", [8, 8, 7]), 0)).toBeNull();
    expect(answerForm(task("numbers", [30, 2]), 0)).toBe("curve");
    expect(answerForm(task("numbers", [30]), 0)).toBe("curve");
    expect(answerForm(task("numbers", [4]), 4)).toBeNull();
    expect(answerForm(task("classes", [5]), 0)).toBeNull();
  });

  it("has the colours of its classes, or those of one alone", () => {
    const pixels = new Uint8ClampedArray(12);
    const classes = new Uint8Array([1, 0, 255]);
    paintMask(classes, 255, null, pixels);
    expect([...pixels.slice(0, 8)]).toEqual([...classColour(1), 255, ...classColour(0), 255]);
    expect(pixels[11]).toBe(0);
    paintMask(classes, 255, 0, pixels);
    expect([pixels[3], pixels[7]]).toEqual([0, 255]);
  });

  it("is wrong where something else is true, and not where nothing is", () => {
    const values = new Uint8Array([1, 0, 1]);
    const truth = new Uint8Array([0, 0, 255]);
    expect([...wrongPlaces({ values, truth, none: 255 })]).toEqual([1, 0, -1]);
  });

  it("of numbers goes from black to white", () => {
    const pixels = new Uint8ClampedArray(8);
    paintValues(new Float32Array([-1, 3]), 1, -1, 3, pixels);
    expect([...pixels]).toEqual([0, 0, 0, 255, 255, 255, 255, 255]);
  });
});

describe("figures of the answers", () => {
  it("have as many places as the server sends", () => {
    const arrays = new Map(
      ["output/0", "figure/0", "truth/0", "output/1", "figure/1", "truth/1", "loss"].map(
        (name) => [name, new Float32Array(2)] as const,
      ),
    );
    const found = targetsOf({ steps: [0], rows: 2, arrays, here: [""] });
    expect(found.listed).toHaveLength(2);
    expect(found.loss).toHaveLength(2);
    expect(found.error).toHaveLength(0);
  });
});
