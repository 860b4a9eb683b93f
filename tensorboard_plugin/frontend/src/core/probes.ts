/** What was predicted for the probes, and in which order a person wants to see them. */

import type { StepTable } from "./step-table";
import type { Manifest } from "./types";

/** One number a step and example; -1 or NaN where it is not known, or still to come. */
export interface Targets {
  count: number;
  target: ArrayLike<number>;
  predicted: ArrayLike<number>;
  probability: ArrayLike<number>;
  trueProbability: ArrayLike<number>;
  score: ArrayLike<number>;
}

export function targetsOf({ rows, arrays }: StepTable): Targets {
  const values = (name: string) => arrays.get(name) ?? [];
  return {
    count: rows,
    target: values("target"),
    predicted: values("predicted"),
    probability: values("probability"),
    trueProbability: values("true_probability"),
    score: values("score"),
  };
}

export interface Verdict {
  label: string | null;
  predicted: string;
  probability: number;
  /** null where the probes have no labels. */
  correct: boolean | null;
}

export function className(manifest: Manifest, index: number): string {
  return manifest.probes.class_names?.[index] ?? `class ${index}`;
}

export function verdictOf(
  manifest: Manifest,
  targets: Targets | undefined,
  stepIndex: number,
  probe: number,
): Verdict | null {
  if (!targets || stepIndex < 0) return null;
  const at = stepIndex * targets.count + probe;
  const predicted = targets.predicted[at];
  if (predicted === undefined || predicted < 0) return null;
  const label = manifest.probes.labels?.[probe] ?? null;
  return {
    label: label === null ? null : className(manifest, label),
    predicted: className(manifest, predicted),
    probability: targets.probability[at],
    correct: label === null ? null : label === predicted,
  };
}

/** Whether the network has changed its mind between two verdicts. */
export function isFlipped(now: Verdict | null, before: Verdict | null): boolean {
  return now !== null && before !== null && now.predicted !== before.predicted;
}

/** Cross-entropy of the true class at a step, one an example; NaN where it is not known. */
export function losses(targets: Targets | undefined, stepIndex: number): Float64Array {
  const count = targets?.count ?? 0;
  return Float64Array.from({ length: count }, (_, probe) => {
    const chance = targets?.trueProbability[stepIndex * count + probe] ?? Number.NaN;
    return chance >= 0 && chance <= 1 ? -Math.log(chance) : Number.NaN;
  });
}
