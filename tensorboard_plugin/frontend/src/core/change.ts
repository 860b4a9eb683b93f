/** How the network's answer for an example changed from A to B. */

import type { Targets } from "./probes";
import { isDense, isJudged, isLabelled, taskOf } from "./task";
import type { Manifest } from "./types";

export const CHANGES = ["probability", "loss", "score", "right", "error"] as const;
export type Change = (typeof CHANGES)[number];

export const CHANGE_NAMES: Record<Change, string> = {
  probability: "P(true)",
  loss: "loss",
  score: "score",
  right: "share right",
  error: "mean |error|",
};

/** By what answers can be compared: without what is true only by their scores. */
export function changesFor(manifest: Manifest | null): Change[] {
  const task = taskOf(manifest);
  if (!isLabelled(manifest)) return ["score"];
  if (!isJudged(task)) return ["error", "score"];
  const isOne = task.kind !== "labels" && !isDense(task);
  return [isOne ? "probability" : "right", "loss", "score"];
}

const COLUMNS = {
  probability: "trueProbability",
  loss: "loss",
  score: "score",
  right: "right",
  error: "error",
} as const satisfies Record<Change, keyof Targets>;

/** What is known of one side's answers. */
export interface Answers {
  targets: Targets | null;
  /** Place of the step. */
  index: number;
}

/** Return one side's value, by example; not a number where it has none. */
export function answersOf(
  change: Change,
  { targets, index }: Answers,
  count: number,
): Float32Array {
  return Float32Array.from({ length: count }, (_, probe) => {
    if (!targets || index < 0) return Number.NaN;
    return targets[COLUMNS[change]][index * targets.count + probe] ?? Number.NaN;
  });
}

/** Return B's value minus A's, by example. */
export function changesOf(change: Change, a: Answers, b: Answers, count: number): Float32Array {
  const before = answersOf(change, a, count);
  return answersOf(change, b, count).map((value, probe) => value - before[probe]);
}
