/** What was predicted for the probes, and in which order a person wants to see them. */

import type { Manifest } from "./types";
import { arrayOf, type Bundle } from "./wire";

export interface Targets {
  steps: number[];
  count: number;
  target: ArrayLike<number>;
  predicted: ArrayLike<number>;
  probability: ArrayLike<number>;
  trueProbability: ArrayLike<number>;
  score: ArrayLike<number>;
}

export function targetsOf(bundle: Bundle): Targets {
  const target = arrayOf(bundle, "target");
  const values = (name: string) => arrayOf(bundle, name).values;
  return {
    steps: (bundle.header.steps as number[] | undefined) ?? [],
    count: target.shape[1],
    target: target.values,
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

export const SORTS = ["index", "drift", "confidence", "wrong", "value"] as const;
export type Sort = (typeof SORTS)[number];

export interface Listing {
  sort: Sort;
  /** Only probes of this class. */
  label: number | null;
  wrongOnly: boolean;
  /** What is sorted by "value", largest first. */
  values?: ArrayLike<number>;
}

/** Return the probes to show, in order. Ties stay in the order of the probes. */
export function listProbes(
  manifest: Manifest,
  verdicts: (Verdict | null)[],
  drift: ArrayLike<number>,
  { sort, label, wrongOnly, values }: Listing,
): number[] {
  const chosen = verdicts
    .map((_, probe) => probe)
    .filter((probe) => label === null || manifest.probes.labels?.[probe] === label)
    .filter((probe) => !wrongOnly || verdicts[probe]?.correct === false);
  const confidence = (probe: number) => verdicts[probe]?.probability ?? -1;
  const rank: Record<Sort, (probe: number) => number> = {
    index: () => 0,
    drift: (probe) => -(drift[probe] ?? 0),
    confidence: (probe) => -confidence(probe),
    value: (probe) => (Number.isFinite(values?.[probe]) ? -(values?.[probe] ?? 0) : 1e300),
    wrong: (probe) => (verdicts[probe]?.correct === false ? -1 - confidence(probe) : 0),
  };
  return chosen.sort((a, b) => rank[sort](a) - rank[sort](b) || a - b);
}
