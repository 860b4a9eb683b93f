import type { Targets } from "../src/core/probes";
import type { RecordSpec } from "../src/core/types";

/** A record as the manifest has it; its key says the method, and the layer if there is one. */
export function record(key: string, change: Partial<RecordSpec> = {}): RecordSpec {
  const [method, layer] = key.split("/");
  return {
    key,
    method,
    axes: ["height", "width"],
    signed: false,
    shown: "all",
    layer: layer ?? null,
    input: null,
    rows: null,
    labels: {},
    options: {},
    title: "",
    quantity: "attribution",
    unit: "score",
    form: "map",
    shape: [2, 2],
    row_count: 3,
    ...change,
  };
}

/** Figures of the answers, of which all that is not given is not known. */
export function targetsWith(given: Partial<Targets>): Targets {
  const none: number[] = [];
  return {
    count: 1,
    target: none,
    predicted: none,
    probability: none,
    trueProbability: none,
    score: none,
    right: none,
    loss: none,
    error: none,
    overlap: none,
    listed: [],
    ...given,
  };
}
