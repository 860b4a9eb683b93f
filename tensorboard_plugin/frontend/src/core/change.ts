/** How the network's answer for an example changed from A to B. */

import type { Targets } from "./probes";

export const CHANGES = ["probability", "loss", "score"] as const;
export type Change = (typeof CHANGES)[number];

/** Below this a probability is no more told apart, as in Keras's cross entropy. */
const LEAST = 1e-7;

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
    const at = index * targets.count + probe;
    if (change === "score") return targets.score[at];
    const chance = targets.trueProbability[at];
    return change === "probability" ? chance : -Math.log(Math.max(LEAST, chance));
  });
}

/** Return B's value minus A's, by example. */
export function changesOf(change: Change, a: Answers, b: Answers, count: number): Float32Array {
  const before = answersOf(change, a, count);
  return answersOf(change, b, count).map((value, probe) => value - before[probe]);
}
