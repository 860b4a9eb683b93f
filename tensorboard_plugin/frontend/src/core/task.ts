/** What the explained output is, and what can therefore be said and offered of it. */

import { capital } from "./format";
import type { Manifest, Task } from "./types";

const UNKNOWN: Task = { kind: "unknown", scale: "values", shape: [1], output: "" };

/** Old runs do not say it: their outputs are numbers without a meaning. */
export function taskOf(manifest: Manifest | null): Task {
  return manifest?.probes.task ?? UNKNOWN;
}

/** Whether there is an answer at each of several positions. */
export function isDense(task: Task): boolean {
  return task.shape.length > 1;
}

/** Whether each answer is one class. */
export function hasClasses({ kind }: Task): boolean {
  return kind === "classes" || kind === "binary";
}

/** Whether an answer can be right or wrong. */
export function isJudged(task: Task): boolean {
  return hasClasses(task) || task.kind === "labels";
}

/** Whether an example has answers that can change from one to another: classes or labels. */
export function canFlip(task: Task): boolean {
  return isJudged(task) && !isDense(task);
}

/** Whether an example is of one class. */
export function isOneClass(task: Task): boolean {
  return hasClasses(task) && !isDense(task);
}

const WORDS: Record<Task["kind"], string> = {
  classes: "class",
  binary: "class",
  labels: "label",
  numbers: "output",
  unknown: "output",
};

/** A class, label or number by its name, or by its place. */
export function outputName(manifest: Manifest, index: number): string {
  return manifest.probes.class_names?.[index] ?? `${WORDS[taskOf(manifest).kind]} ${index}`;
}

/** Whether the run knows what is true of its examples. */
export function isLabelled(manifest: Manifest | null): boolean {
  return isJudgeable(taskOf(manifest)) && Boolean(manifest?.probes.truth);
}

function isJudgeable({ kind }: Task): boolean {
  return kind !== "unknown";
}

/** By what a filter for classes goes: "Class", "Label"; null where examples have none. */
export function groupName(task: Task): string | null {
  if (!isJudged(task)) return null;
  return isDense(task) ? "Contains" : capital(WORDS[task.kind]);
}

/** Whether what is said of an example takes more than a line of its card: labels, one number. */
export function secondLine(task: Task): boolean {
  if (isDense(task)) return false;
  return task.kind === "labels" || (task.kind === "numbers" && task.shape[0] === 1);
}

/** "logit of the true class", "value of the output box": what the maps explain. */
export function explainedWords(manifest: Manifest): string {
  const task = taskOf(manifest);
  const { target } = manifest;
  const score = manifest.score === "output" && task.kind === "numbers" ? "value" : manifest.score;
  const of = task.output ? ` of ${task.output}` : "";
  return `${score}${of}${target ? ` · target: ${target}` : ""}`;
}
