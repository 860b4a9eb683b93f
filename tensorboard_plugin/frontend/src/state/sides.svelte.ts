/** The two sides of the Compare view: of each its run, record and step. */

import { whyNoGrid } from "../core/blocks";
import { type Change, changesFor } from "../core/change";
import { isFilm } from "../core/forms";
import { type PairFigures, ranked } from "../core/pair";
import { findRecord, fullTitle } from "../core/records";
import { evenly } from "../core/sampling";
import type { RecordSpec } from "../core/types";
import { compare } from "../core/units";
import { app } from "./app.svelte";
import type { LookedRun } from "./looked-run.svelte";
import type { Pairing } from "./pairs.svelte";

export interface PairSide {
  tag: "A" | "B";
  looked: LookedRun;
  /** Not there where the run does not hold it. */
  record: RecordSpec | undefined;
  /** Place of the step among those of the run. */
  index: number;
  step: number | undefined;
}

/** Steps over which the history goes, and examples that it is the median of. */
const HISTORY_STEPS = 48;
const HISTORY_ROWS = { least: 4, most: 24, numbers: 2 ** 23 };

export function comparable(looked: LookedRun): RecordSpec[] {
  return looked.records.filter(isFilm);
}

const numbersOf = (record: RecordSpec | undefined) =>
  record?.shape.reduce((product, length) => product * length, 1) ?? 0;

class Sides {
  readonly #recordA = $derived(findRecord(comparable(app.first), app.selection.record));
  readonly #keyB = $derived(app.selection.recordb ?? this.#recordA?.key);
  readonly runsDiffer = $derived(app.second !== app.first);
  readonly methodsDiffer = $derived(this.#keyB !== this.#recordA?.key);
  /** Two runs or methods can be at one step; two steps of the same cannot. */
  readonly locks = $derived(this.runsDiffer || this.methodsDiffer);
  readonly sameStep = $derived(this.locks && app.selection.sameStep);

  readonly a = $derived.by<PairSide>(() => {
    const { a } = app.selection;
    const free = this.locks ? app.index : 0;
    const index = this.sameStep ? app.index : a === null ? free : app.first.indexOf(a);
    return {
      tag: "A",
      looked: app.first,
      record: this.#recordA,
      index,
      step: app.first.steps[index],
    };
  });

  readonly b = $derived.by<PairSide>(() => {
    const { second } = app;
    const chosen = this.sameStep ? null : app.selection.b;
    const index = second.indexOf(chosen ?? app.step ?? null);
    return {
      tag: "B",
      looked: second,
      record: comparable(second).find(({ key }) => key === this.#keyB),
      index,
      step: second.steps[index],
    };
  });

  /** Why the sides cannot be compared, in words. */
  readonly why = $derived.by(() => {
    const { a, b } = this;
    const [first, second] = [a.looked.manifest, b.looked.manifest];
    if (!a.record) return "This run holds no maps of examples, so there is nothing to compare.";
    if (b.looked.error && !second) return b.looked.error;
    if (!first || !second) return "";
    if (second.steps.length === 0) return `${second.name} has not logged a step yet.`;
    if (first.probes.hash !== second.probes.hash)
      return (
        `${first.name} and ${second.name} watch different examples: example 0 of one is not ` +
        `example 0 of the other, so their maps are not compared. Their examples' hashes are ` +
        `${first.probes.hash.slice(0, 8)} and ${second.probes.hash.slice(0, 8)}.`
      );
    if (!b.record) {
      const sought = a.looked.recordOf(this.#keyB ?? "");
      return `${second.name} holds no ${sought ? fullTitle(sought) : this.#keyB}.`;
    }
    return whyNoGrid(a.record, b.record);
  });

  readonly ready = $derived(
    !this.why &&
      this.b.record !== undefined &&
      this.a.step !== undefined &&
      this.b.step !== undefined,
  );
  readonly pairing = $derived<Pairing | undefined>(
    this.ready && this.a.record && this.b.record
      ? {
          run: this.a.looked.run,
          key: this.a.record.key,
          runb: this.b.looked.run,
          keyb: this.b.record.key,
        }
      : undefined,
  );
  readonly steps = $derived<[number, number]>([this.a.step ?? 0, this.b.step ?? 0]);
  /** Numbers in a row of both: what it costs to compare one example. */
  readonly numbers = $derived(numbersOf(this.a.record) + numbersOf(this.b.record));
  readonly figures = $derived<PairFigures | undefined>(
    this.pairing && app.pairs.peek(this.pairing, this.steps),
  );

  /** The examples, those that differ most first. */
  readonly order = $derived(
    ranked(evenly(app.probeCount, app.probeCount), this.figures?.apart[app.selection.apart] ?? []),
  );

  /** Pairs of steps by which the history goes: step by step, or A's against all of B's. */
  readonly history = $derived.by(() => {
    const { a, b } = this;
    const stepsB = new Set(b.looked.steps);
    const all: [number, number][] = this.sameStep
      ? a.looked.steps.filter((step) => stepsB.has(step)).map((step) => [step, step])
      : b.looked.steps.map((step) => [a.step ?? 0, step]);
    const steps = evenly(all.length, HISTORY_STEPS).map((at) => all[at]);
    const { least, most, numbers } = HISTORY_ROWS;
    const fit = Math.floor(numbers / Math.max(1, steps.length * this.numbers));
    const rows = evenly(app.probeCount, Math.min(most, Math.max(least, fit)));
    return { steps, rows, total: all.length };
  });

  /** What the answers can be compared by. */
  readonly changes = $derived<Change[]>(changesFor(app.manifest));
  readonly change = $derived<Change>(
    this.changes.find((change) => change === app.selection.change) ?? this.changes[0],
  );
  /** Numbers of two methods, or of two units, are each measured by their own size. */
  readonly normalised = $derived.by(() => {
    const compares = !this.methodsDiffer && compare(this.a.record, this.b.record);
    return (app.selection.together ?? (compares ? "shared" : "own")) === "own";
  });
}

export const sides = new Sides();

/** Exchange A and B, whatever they are. */
export function swapSides(): void {
  const { selection } = app;
  const { a, b } = sides;
  if (sides.methodsDiffer && b.record) {
    selection.record = b.record.key;
    selection.recordb = a.record?.key ?? null;
  }
  if (sides.runsDiffer) app.swapRuns();
  if (sides.sameStep) return;
  selection.a = b.step ?? null;
  selection.b = a.step ?? null;
}

/** Compare with another run, or with the chosen one itself. */
export function compareWith(run: string | null): void {
  const { selection } = app;
  selection.runb = run === app.run ? null : run;
  if (selection.runb && selection.view !== "pair") selection.view = "compare";
  void app.refresh();
}
