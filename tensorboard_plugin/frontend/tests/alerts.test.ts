import { describe, expect, it } from "vitest";
import {
  type Alert,
  countText,
  figureText,
  limitsOf,
  limitsText,
  lineOf,
  newsText,
  targetOf,
  ticksOf,
  whenText,
} from "../src/core/alerts";
import { DEFAULTS, decodeView, encodeView } from "../src/core/view-state";
import { record } from "./record";

function alert(change: Partial<Alert> = {}): Alert {
  const place = { name: "conv1", record: null, layer: null, weight: null, probe: null };
  return {
    name: "dead_units/conv1/3",
    rule: "dead_units",
    severity: "warn",
    place,
    count: 1,
    since: 3,
    until: null,
    worst: 3,
    value: 0.7,
    threshold: 0.5,
    sentence: "7 of the 10 units are zero.",
    ...change,
  };
}

const at = (since: number, severity: Alert["severity"] = "warn") =>
  alert({ since, severity, name: `${severity}/${since}` });

describe("words", () => {
  it("counts by severity, the worst first", () => {
    const alerts = [at(1, "info"), at(2), at(3), at(4, "error")];
    expect(countText(alerts)).toBe("1 error, 2 warnings, 1 note");
    expect(countText([])).toBe("");
  });

  it("says when", () => {
    expect(whenText(alert())).toBe("since step 3");
    expect(whenText(alert({ since: -1 }))).toBe("since untrained");
    expect(whenText(alert({ until: 3 }))).toBe("at step 3 only");
    expect(whenText(alert({ until: 5 }))).toBe("steps 3 to 5");
    expect(whenText(alert({ since: -1, until: 5 }))).toBe("untrained to step 5");
  });
});

describe("figures", () => {
  it("have no zeros at the end", () => {
    const texts = [0.9, 1, 10, 0.25, 1e-5, 1.2e-7, 100, 49.3, 0.05, null].map(figureText);
    expect(texts).toEqual(["0.9", "1", "10", "0.25", "1e−5", "1.2e−7", "100", "49.3", "0.05", "–"]);
  });
});

describe("ticks", () => {
  const steps = Array.from({ length: 200 }, (_, i) => i - 1);
  const ticks = (alerts: Alert[]) => ticksOf(alerts, steps, ({ rule }) => rule);

  it("stand where alerts begin, in the order of the steps", () => {
    expect(ticks([at(150), at(20, "error")]).map((tick) => [tick.at, tick.severity])).toEqual([
      [21, "error"],
      [151, "warn"],
    ]);
  });

  it("are one where alerts are near, with the shape of the worst", () => {
    const [tick, ...others] = ticks([at(20, "info"), at(21, "error"), at(22)]);
    expect(others).toEqual([]);
    expect([tick.at, tick.severity]).toEqual([21, "error"]);
    expect(tick.says.split("\n")).toHaveLength(3);
    expect(tick.says).toContain("error at step 21: dead_units, conv1");
  });

  it("name a few, and count the others", () => {
    const [tick] = ticks(Array.from({ length: 9 }, () => at(20)));
    expect(tick.says.split("\n").at(-1)).toBe("and 6 more");
  });

  it("leave out steps that the bar does not have yet", () => {
    expect(ticks([at(999)])).toEqual([]);
  });
});

describe("the way there", () => {
  const records = [
    record("saliency"),
    record("activations/conv3", { form: "channels", shape: [4, 4, 8] }),
    record("smooth_grad"),
  ];
  const target = (place: Partial<Alert["place"]>) =>
    targetOf(alert({ place: { ...alert().place, ...place } }), records, ["val_loss"]);

  it("leads to the weight, the layer, the example or the log", () => {
    expect(target({ weight: "a/kernel" })).toEqual({ view: "gradients", weight: "a/kernel" });
    expect(target({ record: "activations/conv3", probe: 2 })).toEqual({
      view: "layers",
      layer: "activations/conv3",
      probe: 2,
    });
    expect(target({ record: "saliency", probe: 4 })).toEqual({
      view: "detail",
      record: "saliency",
      probe: 4,
    });
    expect(target({ record: "saliency" })).toEqual({
      view: "evolve",
      record: "saliency",
      probe: undefined,
    });
    expect(target({ name: "val_loss" })).toEqual({ view: "evolve", metric: "val_loss" });
    expect(target({ name: "smooth_grad" }).record).toBe("smooth_grad");
    expect(target({ record: "gone" })).toEqual({ view: "evolve", metric: undefined });
  });
});

describe("thresholds in the address", () => {
  it("come back as they were written", () => {
    const limits = { dead_share: "0.3", vanishing: "1e-7", jump: "4" };
    expect(limitsOf(limitsText(limits))).toEqual(limits);
    expect(limitsText({})).toBeNull();
    expect(limitsOf(null)).toEqual({});
    const view = { ...DEFAULTS, limits: limitsText(limits) };
    expect(decodeView(encodeView(view))).toEqual(view);
  });

  it("are left out where they are none", () => {
    expect(limitsOf("x:1;y:;z:NaN;Q:1;a&b:2;c:1e9999;d: 1;:3")).toEqual({ x: "1" });
    expect(decodeView({ h: "<script>" }).limits).toBeNull();
  });
});

describe("the line", () => {
  const line = (values: (number | null)[], change: Partial<Alert> = {}) =>
    lineOf(alert({ line: { steps: values.map((_, i) => i + 1), values }, ...change }));

  it("starts at zero and shows the threshold", () => {
    const found = line([0.1, null, 0.7, 0.7]);
    expect(found).toMatchObject({ lo: 0, hi: 0.7, threshold: 0.5, logarithmic: false });
    expect(found?.values).toEqual([0.1, Number.NaN, 0.7, 0.7]);
    expect([found?.from, found?.to]).toEqual([2, 3]);
  });

  it("ends where the alert does", () => {
    const found = line([0.1, 0.6, 0.7, 0.1], { since: 2, until: 3 });
    expect([found?.from, found?.to]).toEqual([1, 2]);
  });

  it("is logarithmic over decades, with zero at the floor", () => {
    const found = line([1, 1e-3, 1e-8, 0], { threshold: 1e-5 });
    expect(found?.logarithmic).toBe(true);
    expect(found?.threshold).toBeCloseTo(-5);
    expect(found?.values.map(Math.round)).toEqual([0, -3, -8, -9]);
    expect([found?.lo, found?.hi]).toEqual([-9, 0]);
  });

  it("is not drawn without figures", () => {
    expect(lineOf(alert())).toBeUndefined();
    expect(line([])).toBeUndefined();
    expect(line([null])?.hi).toBe(0.5);
  });
});

describe("what a screen reader is told", () => {
  it("is all at first, then what is new, else nothing", () => {
    const alerts = [at(3), at(4, "error")];
    expect(newsText(null, alerts)).toBe("Health: 1 error, 1 warning");
    expect(newsText(null, [])).toBe("");
    const known = new Set(alerts.map(({ name }) => name));
    expect(newsText(known, alerts)).toBe("");
    expect(newsText(known, [at(9, "error"), ...alerts])).toBe(
      "New in Health: 1 error. 7 of the 10 units are zero.",
    );
  });
});
