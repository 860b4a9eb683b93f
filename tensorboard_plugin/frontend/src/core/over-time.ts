/** How the answer for one example went over the steps: the figure that its task is followed by. */

import type { Targets } from "./probes";
import { extent } from "./statistics";
import { isDense, isLabelled, isOneClass, outputName, taskOf } from "./task";
import type { Manifest } from "./types";

export interface OverTime {
  name: string;
  values: Float32Array;
  /** Ends of the chart. */
  range: [number, number];
}

export function answerOverTime(
  manifest: Manifest | null,
  targets: Targets | null,
  steps: number,
  probe: number,
): OverTime {
  const task = taskOf(manifest);
  const isKnown = isLabelled(manifest);
  const along = (column: ArrayLike<number> | undefined) =>
    Float32Array.from(
      { length: steps },
      (_, step) => column?.[step * (targets?.count ?? 0) + probe] ?? Number.NaN,
    );
  if (isOneClass(task)) {
    const label = manifest?.probes.labels?.[probe] ?? -1;
    const name = manifest && label >= 0 ? outputName(manifest, label) : "true class";
    return isKnown
      ? { name: `P(${name})`, values: along(targets?.trueProbability), range: [0, 1] }
      : { name: "P(predicted)", values: along(targets?.probability), range: [0, 1] };
  }
  if (task.kind === "numbers" && isKnown && targets?.listed.length !== 1)
    return upFromZero("mean |error|", along(targets?.error));
  if (task.kind === "numbers" || task.kind === "unknown") {
    const values = along(targets?.listed[0]?.figure);
    const truth = along(targets?.listed[0]?.truth);
    const known = Float32Array.from([...values, ...truth].filter(Number.isFinite));
    const first = targets?.listed.length === 1 ? "value" : "first output";
    const end = truth.find(Number.isFinite);
    return {
      name: end === undefined ? first : `${first} (true ${end.toPrecision(3)})`,
      values,
      range: known.length ? extent(known) : [0, 1],
    };
  }
  if (isKnown) return { name: "share right", values: along(targets?.right), range: [0, 1] };
  const values = along(isDense(task) ? targets?.probability : undefined);
  return { name: "mean P(predicted)", values, range: [0, 1] };
}

function upFromZero(name: string, values: Float32Array): OverTime {
  const known = values.filter(Number.isFinite);
  return { name, values, range: [0, known.length ? extent(known)[1] : 1] };
}
