import { describe, expect, it } from "vitest";
import { ownPicture } from "../src/core/own-range";
import { classColour, classMark, isLight, mixed } from "../src/core/palette";
import { optionGroups } from "../src/core/picker";
import { areClasses, borderPath, paintClasses, planeRecords } from "../src/core/plane";
import { groupByMethod } from "../src/core/records";
import { extentOf, nearest, projector, trailPath, UNIT } from "../src/core/scatter";
import { blocksOf, chanceText, partnerOf } from "../src/core/table";
import type { RecordSpec } from "../src/core/types";
import { record } from "./record";

describe("points", () => {
  it("keep their scale over the steps, one unit as long across as down", () => {
    const extent = extentOf([{ x: 0, y: 0 }, undefined, { x: 10, y: 2 }], 0);
    expect(extent).toEqual({ x: [0, 10], y: [0, 2] });
    const project = projector(extent, { width: 100, height: 100 });
    expect(project({ x: 0, y: 0 })).toEqual({ x: 0, y: 60 }); // y grows upwards
    expect(project({ x: 10, y: 2 })).toEqual({ x: 100, y: 40 });
    const down = projector(UNIT, { width: 200, height: 100 }, true);
    expect(down({ x: 0.5, y: 0.25 })).toEqual({ x: 100, y: 25 }); // as rows of a picture do
    expect(extentOf([{ x: Number.NaN, y: 1 }])).toEqual(UNIT);
  });

  it("are found by the pointer when it is near", () => {
    const places = [{ x: 0, y: 0 }, undefined, { x: 9, y: 0 }];
    expect(nearest(places, { x: 7, y: 0 }, 5)).toBe(2);
    expect(nearest(places, { x: 50, y: 0 }, 5)).toBe(-1);
  });

  it("leave a trail that breaks where a step is missing", () => {
    expect(trailPath([{ x: 1, y: 2 }, { x: 3, y: 4 }, undefined, { x: 5, y: 6 }])).toBe(
      "M1.0 2.0L3.0 4.0M5.0 6.0",
    );
  });

  it("of the first ten classes never share both colour and mark", () => {
    const looks = Array.from({ length: 10 }, (_, i) => `${classColour(i)} ${classMark(i)}`);
    expect(new Set(looks).size).toBe(10);
  });
});

describe("a plane of decisions", () => {
  const plane: Partial<RecordSpec> = { form: "plane", rows: ["plane"], quantity: "prediction" };
  const points: Partial<RecordSpec> = { form: "points", axes: ["coordinate"], shape: [2] };
  const records = [
    record("db/classes", { ...plane, unit: "none" }),
    record("db/p", { ...plane, unit: "probability" }),
    record("db/points", points),
    record("projection", points),
  ];

  it("is found from any of its method's records", () => {
    const found = planeRecords(records, records[2]);
    expect(found?.planes.map(({ key }) => key)).toEqual(["db/classes", "db/p"]);
    expect(found?.points?.key).toBe("db/points");
    expect(planeRecords(records, records[3])).toBeUndefined();
  });

  it("holds classes where its predictions have no unit", () => {
    expect(records.map(areClasses)).toEqual([true, false, false, false]);
  });

  it("is paler where the network is less sure", () => {
    const pixels = new Uint8ClampedArray(12);
    paintClasses([0, 0, 1], [1, 0.5, Number.NaN], [255, 255, 255], pixels);
    expect([...pixels.slice(0, 3)]).toEqual(mixed(classColour(0), [255, 255, 255], 0.75));
    expect([...pixels.slice(4, 7)]).toEqual(mixed(classColour(0), [255, 255, 255], 0.2));
    expect([...pixels.slice(8, 11)]).toEqual(mixed(classColour(1), [255, 255, 255], 0.2));
    expect([pixels[3], pixels[7], pixels[11]]).toEqual([255, 255, 255]);
  });

  it("has a line between places of different classes", () => {
    expect(borderPath([0, 1, 0, 0], 2, 2)).toBe("M1 0v1M1 1h1");
    expect(borderPath([3, 3, 3, 3], 2, 2)).toBe("");
  });
});

describe("a table of concepts", () => {
  const names = { layer: ["conv1", "conv2"], class: ["cat", "dog"] };
  const of = (key: string, shape = [2, 2], unit = "share"): RecordSpec =>
    record(key, {
      form: "table",
      axes: ["layer", "class"],
      rows: ["striped"],
      labels: names,
      shape,
      quantity: "figure",
      unit,
    });

  it("has a block of columns for each layer, or one where there is a single class", () => {
    const blocks = blocksOf(of("tcav/score"));
    expect(blocks.map(({ title }) => title)).toEqual(["layer conv1", "layer conv2"]);
    expect(blocks[1].columns).toEqual([
      { text: "cat", at: 2 },
      { text: "dog", at: 3 },
    ]);
    expect(blocksOf(of("tcav/score", [2, 1]))).toEqual([
      {
        title: "class cat",
        columns: [
          { text: "conv1", at: 0 },
          { text: "conv2", at: 1 },
        ],
      },
    ]);
  });

  it("names classes that are labelled by their index", () => {
    const indexed = { ...of("tcav/score"), labels: { ...names, class: [1, 4] } };
    const texts = (classes: string[] | null) =>
      blocksOf(indexed, classes)[0].columns.map(({ text }) => text);
    expect(texts(["cat", "dog"])).toEqual(["dog", "class 4"]);
    expect(texts(null)).toEqual(["class 1", "class 4"]);
  });

  it("finds its p-values by their unit", () => {
    const chances = (key: string, shape = [2, 2]) => of(key, shape, "probability");
    const records = [
      of("tcav/score"),
      chances("tcav/p"),
      chances("tcav/q", [1, 1]),
      chances("x/p"),
    ];
    expect(partnerOf(records, records[0])).toBe(records[1]);
    expect(partnerOf([records[0]], records[0])).toBeUndefined();
    expect(partnerOf([of("tcav/score"), of("tcav/steep")], records[0])).toBeUndefined();
  });

  it("writes p-values as people do", () => {
    expect([0.0001, 0.0312, 1, Number.NaN].map(chanceText)).toEqual([
      "p <.001",
      "p .031",
      "p 1.000",
      "p –",
    ]);
  });

  it("is read in black or white", () => {
    expect([isLight([255, 255, 255]), isLight([0, 32, 76])]).toEqual([true, false]);
  });
});

describe("a picture in its own range", () => {
  it("goes from black to white, in grey or in three colours", () => {
    const axes = ["height", "width", "channel"];
    const grey = ownPicture([-2, 0, 2, Number.NaN], axes, [2, 2, 1]);
    expect(grey).toMatchObject({ height: 2, width: 2, channels: 1, lo: -2, hi: 2 });
    expect([...(grey?.pixels ?? [])]).toEqual([0, 128, 255, 0]);
    const colour = ownPicture([0, 1, 2], axes, [1, 1, 3]);
    expect(colour?.channels).toBe(3);
    expect([...(colour?.pixels ?? [])]).toEqual([0, 128, 255]);
    expect(ownPicture([1, 2], ["feature"], [2])).toBeUndefined();
  });
});

describe("the list of methods", () => {
  const records = [
    record("saliency", { title: "Saliency", input: "image" }),
    record("quality/saliency", { title: "Quality of Saliency", axes: ["metric"], shape: [4] }),
    record("quality/grad_cam/c5", { title: "Quality of Grad-CAM", axes: ["metric"], shape: [4] }),
    record("ig/image", { title: "Integrated gradients" }),
    record("ig/gap", { title: "Integrated gradients: completeness gap", axes: [], shape: [] }),
    record("flow", { title: "Flow", axes: ["layer"] }),
    record("flow/zeros", { title: "Flow: zeros", axes: ["layer"] }),
    record("tcav/accuracy", { title: "Accuracy of the vectors" }),
    record("tcav/score", { title: "TCAV score" }),
    record("tcav/score2", { title: "TCAV score", layer: "conv2" }),
  ];

  it("has a title a method, in their order", () => {
    expect(groupByMethod(records).map(({ title }) => title)).toEqual([
      "Flow",
      "Integrated gradients",
      "Quality",
      "Saliency",
      "TCAV",
    ]);
  });

  it("says what tells the records of a method apart", () => {
    const texts = optionGroups(records, "").map(({ options }) => options.map(({ text }) => text));
    expect(texts).toEqual([
      ["Flow", "zeros"],
      ["image", "completeness gap"],
      ["Quality of Saliency", "Quality of Grad-CAM"],
      ["Saliency"],
      ["Accuracy of the vectors", "TCAV score, score", "TCAV score, conv2"],
    ]);
  });

  it("is searched by title, name and size, every word of it", () => {
    const found = (search: string) =>
      optionGroups(records, search).flatMap(({ options }) => options.map(({ key }) => key));
    expect(found("SALIENCY")).toEqual(["quality/saliency", "saliency"]);
    expect(found("qual cam")).toEqual(["quality/grad_cam/c5"]);
    expect(found("a number")).toEqual(["ig/gap"]);
    expect(found("nothing like it")).toEqual([]);
  });
});
