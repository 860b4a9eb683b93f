import { describe, expect, it } from "vitest";
import { Api, address, Lane, ReplyError } from "../src/core/api";
import {
  attributions,
  findRecord,
  groupByMethod,
  histogramOf,
  layered,
  statisticsOf,
  variantOf,
  weightPicture,
} from "../src/core/records";
import type { Manifest, MapRow } from "../src/core/types";
import { overview } from "../src/core/weights";
import { record } from "./record";

const WEIGHTS = ["conv1/kernel", "dense/kernel"];
const manifest: Manifest = {
  schema: 1,
  run: "run1/explain",
  name: "run1",
  probes: { hash: "0", count: 3, inputs: [], labels: [0, 1, 1], class_names: ["cat", "dog"] },
  steps: [-1, 0],
  epochs: [-1, 0],
  unread: 0,
  wall_times: [0, 1],
  attempts: [0, 0],
  changed: [0, 1],
  logs: {},
  score: "logit",
  records: [
    record("predictions", { form: "outputs", axes: ["class"] }),
    record("scores", { form: "outputs", axes: [] }),
    record("saliency", { axes: ["height", "width", "channel"], shown: "max" }),
    record("grad_cam/conv4"),
    record("grad_cam/conv5"),
    record("activations/conv1", { form: "channels", axes: ["height", "width", "channel"] }),
    record("weight_gradients/statistics", {
      form: "weights",
      rows: WEIGHTS,
      axes: ["statistic"],
      labels: { statistic: ["norm"] },
    }),
    record("weight_gradients/conv1/kernel", { form: "weights", rows: ["conv1/kernel"] }),
  ],
  failures: [],
  totals: {},
  problems: [],
};

describe("records", () => {
  it("of the probes are attributions or layers, never both", () => {
    expect(attributions(manifest).map(({ key }) => key)).toEqual([
      "saliency",
      "grad_cam/conv4",
      "grad_cam/conv5",
    ]);
    expect(layered(manifest).map(({ key }) => key)).toEqual(["activations/conv1"]);
  });

  it("begin with what speaks for or against the class, where there are no pictures", () => {
    const records = [
      record("attention_rollout", { form: "bars", axes: ["time"], shape: [12] }),
      record("attention_rollout/tokens", { axes: ["query", "key"], shape: [12, 12] }),
      record("completeness", { form: "numbers", axes: [], shape: [] }),
      record("integrated_gradients/words", {
        form: "bars",
        axes: ["time", "channel"],
        shape: [12, 32],
        shown: "sum",
        signed: true,
      }),
    ];
    expect(attributions({ ...manifest, records }).map(({ key }) => key)).toEqual([
      "integrated_gradients/words",
      "attention_rollout",
      "attention_rollout/tokens",
      "completeness",
    ]);
  });

  it("are grouped by method and named by layer", () => {
    const groups = groupByMethod(attributions(manifest));
    expect(groups.map(({ title }) => title)).toEqual(["grad cam", "saliency"]);
    expect(groups.map(({ records }) => records.length)).toEqual([2, 1]);
    expect(variantOf(groups[0].records[1])).toBe("conv5");
  });

  it("are found by key, by method, or else the first", () => {
    const records = attributions(manifest);
    expect(findRecord(records, "grad_cam/conv5")?.key).toBe("grad_cam/conv5");
    expect(findRecord(records, "grad_cam")?.key).toBe("grad_cam/conv4");
    expect(findRecord(records, "nothing")?.key).toBe("saliency");
    expect(findRecord([], null)).toBeUndefined();
  });

  it("of a small weight hold its gradient", () => {
    expect(weightPicture(manifest, "conv1/kernel")?.key).toBe("weight_gradients/conv1/kernel");
    expect(weightPicture(manifest, "dense/kernel")).toBeUndefined();
    expect(statisticsOf(manifest.records)?.key).toBe("weight_gradients/statistics");
    expect(histogramOf(manifest.records)).toBeUndefined();
  });
});

describe("the overview of weights", () => {
  const spec = record("weight_gradients/statistics", {
    axes: ["statistic"],
    labels: { statistic: ["norm", "zero_share", "weight_norm"] },
  });
  const row = (norm: number): MapRow => ({
    step: 0,
    row: 0,
    status: "ok",
    shape: [3],
    axes: ["statistic"],
    values: Float32Array.from([norm, 0.25, 10]),
  });

  it("is logarithmic; zero takes the lowest colour, a missing step none", () => {
    const view = overview(
      spec,
      [
        [row(1), row(100)],
        [row(0), undefined],
      ],
      "norm",
    );
    expect(view.domain).toEqual({ lo: 0, hi: 2 });
    expect([...view.values.slice(0, 3)]).toEqual([0, 2, 0]);
    expect([...view.blank]).toEqual([0, 0, 0, 1]);
  });

  it("divides by the weight's norm", () => {
    expect(overview(spec, [[row(1)]], "ratio").values[0]).toBe(-1);
    expect(overview(spec, [[row(1)]], "zero_share").domain).toEqual({ lo: 0, hi: 1 });
  });
});

describe("requests", () => {
  it("are relative, and escape what they carry", () => {
    expect(address("maps", { run: "a b/&c", rows: [1, 2], channels: undefined })).toBe(
      "maps?run=a%20b%2F%26c&rows=1%2C2",
    );
  });

  it("fail with the server's own sentence", async () => {
    const answer = (body: string, status: number) =>
      new Api(async () => new Response(body, { status })).json("runs", {});
    await expect(answer("unknown run: 'x'", 404)).rejects.toThrow("unknown run: 'x'");
    await expect(answer("<html>", 500)).rejects.toThrow("The server answered 500.");
    const silent = new Api(() => Promise.reject(new TypeError("network")));
    await expect(silent.json("runs", {})).rejects.toBeInstanceOf(ReplyError);
  });

  it("come after what a person waits to see, one at a time, the colour scale's first", async () => {
    const asked: string[] = [];
    const answers = new Map<string, (response: Response) => void>();
    const api = new Api((input) => {
      const route = String(input).split("?")[0];
      asked.push(route);
      return new Promise((resolve) => answers.set(route, resolve));
    });
    const map = api.bytes("maps", {});
    const more = api.bytes("manifest", { more: 1 });
    const ahead = api.ahead(async () => void asked.push("a view"));
    const figures = api.bytes("columns", {});
    const inputs = api.bytes("inputs", {});
    expect(asked).toEqual(["maps", "inputs"]);
    answers.get("maps")?.(new Response());
    await map;
    expect(asked).toEqual(["maps", "inputs"]);
    answers.get("inputs")?.(new Response());
    await inputs;
    await expect.poll(() => asked).toEqual(["maps", "inputs", "columns"]);
    answers.get("columns")?.(new Response("unknown run", { status: 404 }));
    await expect(figures).rejects.toThrow("unknown run");
    const all = ["maps", "inputs", "columns", "a view", "manifest"];
    await expect.poll(() => asked).toEqual(all);
    await ahead;
    answers.get("manifest")?.(new Response());
    await more;
  });

  it("of one lane abort each other", () => {
    const lane = new Lane();
    const first = lane.next();
    const second = lane.next();
    expect([first.aborted, second.aborted]).toEqual([true, false]);
    lane.stop();
    expect(second.aborted).toBe(true);
  });
});
