/** What was predicted for the probes, as the task of the output says. */

import { digits, percent, signedDigits } from "./format";
import type { StepTable } from "./step-table";
import { canFlip, hasClasses, isDense, outputName, taskOf } from "./task";
import type { Manifest } from "./types";

type Column = ArrayLike<number>;

/** One number a step and example; -1 or NaN where it is not known, or still to come. */
export interface Targets {
  count: number;
  target: Column;
  predicted: Column;
  probability: Column;
  trueProbability: Column;
  score: Column;
  /** Share of the answers that are right. */
  right: Column;
  loss: Column;
  /** Mean absolute error of numbers. */
  error: Column;
  /** Mean intersection over union of classes at positions. */
  overlap: Column;
  /** Outputs that are told of one by one. */
  listed: { output: Column; figure: Column; truth: Column }[];
}

export function targetsOf({ rows, arrays }: StepTable): Targets {
  const values = (name: string) => arrays.get(name) ?? [];
  const listed: Targets["listed"] = [];
  for (let at = 0; arrays.has(`output/${at}`); at++)
    listed.push({
      output: values(`output/${at}`),
      figure: values(`figure/${at}`),
      truth: values(`truth/${at}`),
    });
  return {
    count: rows,
    target: values("target"),
    predicted: values("predicted"),
    probability: values("probability"),
    trueProbability: values("true_probability"),
    score: values("score"),
    right: values("right"),
    loss: values("loss"),
    error: values("error"),
    overlap: values("overlap"),
    listed,
  };
}

/** One output of an example: a label's chance, a number, a class's overlap; and what is true. */
export interface Listed {
  index: number;
  name: string;
  figure: number;
  truth: number;
}

interface Common {
  /** Whether all is right; null where nothing can be. */
  correct: boolean | null;
  /** The true class, where there is one. */
  label: string | null;
  /** What flips: the class or the labels; null where nothing can. */
  answer: string | null;
  listed: Listed[];
}

export type Verdict =
  | (Common & { kind: "class"; predicted: string; probability: number })
  | (Common & { kind: "labels"; right: number })
  | (Common & { kind: "places"; right: number; overlap: number })
  | (Common & { kind: "numbers"; error: number })
  | (Common & { kind: "unknown" });

export function className(manifest: Manifest, index: number): string {
  return outputName(manifest, index);
}

export function verdictOf(
  manifest: Manifest,
  targets: Targets | undefined,
  stepIndex: number,
  probe: number,
): Verdict | null {
  if (!targets || stepIndex < 0) return null;
  const task = taskOf(manifest);
  const at = stepIndex * targets.count + probe;
  const listed = targets.listed
    .map(({ output, figure, truth }) => ({
      index: output[at],
      name: nameAt(manifest, output[at], targets.listed.length),
      figure: figure[at],
      truth: truth[at],
    }))
    .filter(({ index }) => index >= 0);
  const common = { correct: null, label: null, answer: null, listed };
  const right = targets.right[at] ?? Number.NaN;
  if (task.kind === "numbers") {
    const error = targets.error[at] ?? Number.NaN;
    return listed.length || Number.isFinite(error) ? { ...common, kind: "numbers", error } : null;
  }
  if (task.kind === "unknown") return listed.length ? { ...common, kind: "unknown" } : null;
  if (isDense(task)) {
    const overlap = targets.overlap[at] ?? Number.NaN;
    if (!listed.length && !Number.isFinite(right) && !Number.isFinite(targets.probability[at]))
      return null;
    return { ...common, kind: "places", right, overlap };
  }
  if (!hasClasses(task)) {
    if (!listed.some(({ figure }) => Number.isFinite(figure))) return null;
    const answer = listed
      .filter(({ figure }) => figure > 0.5)
      .map(({ name }) => name)
      .join(", ");
    const correct = Number.isFinite(right) ? right === 1 : null;
    return { ...common, kind: "labels", correct, answer: answer || "none", right };
  }
  const predicted = targets.predicted[at];
  if (predicted === undefined || predicted < 0) return null;
  const label = manifest.probes.labels?.[probe] ?? null;
  const answer = className(manifest, predicted);
  return {
    ...common,
    kind: "class",
    label: label === null ? null : className(manifest, label),
    correct: label === null ? null : label === predicted,
    answer,
    predicted: answer,
    probability: targets.probability[at],
  };
}

/** The only number needs no name but its own. */
function nameAt(manifest: Manifest, index: number, count: number): string {
  const names = manifest.probes.class_names;
  const isOne = count === 1 && !names;
  return isOne ? "" : outputName(manifest, index);
}

/** Whether the network has changed its mind between two verdicts. */
export function isFlipped(now: Verdict | null, before: Verdict | null): boolean {
  return (
    now !== null && before !== null && now.answer !== null && now.answer !== (before.answer ?? "")
  );
}

/** How sure the network is; not a number where it has no one answer. */
export function confidenceOf(verdict: Verdict | null): number {
  return verdict?.kind === "class" ? verdict.probability : Number.NaN;
}

/** "57.8 (true 151, error −93)". */
export function numberWords({ figure, truth }: Listed): string {
  const value = digits(figure, 3);
  if (!Number.isFinite(truth)) return value;
  return `${value} (true ${digits(truth, 3)}, error ${signedDigits(figure - truth, 3)})`;
}

/** What the network says and whether it is right, as one line of text. */
export function verdictWords(verdict: Verdict): string {
  switch (verdict.kind) {
    case "class": {
      const said = `${verdict.predicted} ${percent(verdict.probability)}`;
      if (verdict.correct === null) return said;
      return verdict.correct
        ? `right, ${percent(verdict.probability)}`
        : `true ${verdict.label}, predicted ${said}`;
    }
    case "labels":
      return `${verdict.answer}${Number.isFinite(verdict.right) ? `, ${percent(verdict.right)} of the labels right` : ""}`;
    case "places":
      return placesWords(verdict);
    case "numbers":
      return verdict.listed.length === 1
        ? numberWords(verdict.listed[0])
        : Number.isFinite(verdict.error)
          ? `mean |error| ${digits(verdict.error, 3)}`
          : listWords(verdict.listed);
    case "unknown":
      return listWords(verdict.listed);
  }
}

export function placesWords({ right, overlap }: { right: number; overlap: number }): string {
  const parts = [
    Number.isFinite(right) ? `${percent(right)} right` : "",
    Number.isFinite(overlap) ? `IoU ${digits(overlap, 2)}` : "",
  ].filter(Boolean);
  return parts.join(" · ") || "predicted";
}

/** "x 0.31, y 0.34, …". */
export function listWords(listed: Listed[], most = 4): string {
  const shown = listed
    .slice(0, most)
    .map(({ name, figure }) => (name ? `${name} ${digits(figure, 3)}` : digits(figure, 3)));
  return shown.join(", ") + (listed.length > most ? ", …" : "");
}

/** Names that Find looks through. */
export function namesOf(verdict: Verdict | null): string[] {
  if (!verdict) return [];
  if (verdict.kind === "class") return [verdict.label ?? "", verdict.predicted];
  if (verdict.kind === "labels")
    return verdict.listed
      .filter(({ figure, truth }) => figure > 0.5 || truth > 0)
      .map((each) => each.name);
  if (verdict.kind === "places")
    return verdict.listed.filter(({ truth }) => truth > 0).map(({ name }) => name);
  return [];
}

/** The classes, or labels, that are true of an example. */
export function groupsOf(manifest: Manifest, verdict: Verdict | null, probe: number): number[] {
  const task = taskOf(manifest);
  if (hasClasses(task) && !isDense(task)) {
    const label = manifest.probes.labels?.[probe];
    return label === undefined || label < 0 ? [] : [label];
  }
  if (!canFlip(task) && !hasClasses(task)) return [];
  return (verdict?.listed ?? []).filter(({ truth }) => truth > 0).map(({ index }) => index);
}

/** A figure of one step, one an example; NaN where it is not known. */
export function atStep(
  targets: Targets | undefined,
  name: "loss" | "error" | "right",
  stepIndex: number,
): Float64Array {
  const count = targets?.count ?? 0;
  return Float64Array.from(
    { length: count },
    (_, probe) => targets?.[name][stepIndex * count + probe] ?? Number.NaN,
  );
}
