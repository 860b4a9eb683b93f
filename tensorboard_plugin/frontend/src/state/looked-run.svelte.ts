/** A run that is looked at: what is known of it. The tab has one, or two to compare. */

import { untrack } from "svelte";
import { SvelteMap } from "svelte/reactivity";
import { type Api, isAbort, Lane, type Query } from "../core/api";
import { type Columns, columnsOf } from "../core/columns";
import { statsOf } from "../core/domain";
import { type Targets, targetsOf, type Verdict, verdictOf } from "../core/probes";
import { attributions, layered } from "../core/records";
import { placeOf } from "../core/sampling";
import type { StepTable } from "../core/step-table";
import type { Manifest, RecordSpec } from "../core/types";
import type { ViewState } from "../core/view-state";
import { StepFigures } from "./step-figures.svelte";

export class LookedRun {
  manifest = $state.raw<Manifest | null>(null);
  targets = $state.raw<Targets | null>(null);
  columns = $state.raw<Record<string, Columns>>({});
  /** The last request that failed, in words. */
  error = $state<string | null>(null);

  #targets = this.#figuresOf("targets", {}, (table) => {
    this.targets = targetsOf(table);
  });
  readonly #columns = new SvelteMap<string, { stats: string; of: StepFigures }>();

  readonly run = $derived(this.manifest?.run ?? "");
  readonly steps = $derived(this.manifest?.steps ?? []);
  readonly records = $derived(this.manifest ? attributions(this.manifest) : []);
  readonly layers = $derived(this.manifest ? layered(this.manifest) : []);
  readonly probeCount = $derived(this.manifest?.probes.count ?? 0);

  /** Steps whose figures are on their way. */
  readonly coming = $derived(
    Math.max(this.#targets.coming, ...[...this.#columns.values()].map(({ of }) => of.coming)),
  );

  /** By step, what tells it from the same one written again. */
  readonly #stamps = $derived(
    new Map(
      this.steps.map((step, i) => [
        step,
        `${this.manifest?.attempts[i]}.${this.manifest?.changed[i]}`,
      ]),
    ),
  );
  readonly #names = $derived.by(() => {
    const names = this.steps.map((step) => `${step}.${this.stampOf(step)}`);
    // What is told of old steps later is nothing new: their figures stay.
    if (names.join() !== this.#named.join()) this.#named = names;
    return this.#named;
  });
  #named: string[] = [];

  #manifestText = "";
  #lane = new Lane();

  constructor(
    private readonly api: Api,
    private readonly selection: () => Pick<ViewState, "range" | "step" | "a" | "b">,
  ) {}

  stampOf(step: number): string {
    return this.#stamps.get(step) ?? "";
  }

  /** Place of a step among those logged; one that was not logged snaps to the last before it, null is the latest. */
  indexOf(step: number | null): number {
    return step === null ? this.steps.length - 1 : placeOf(this.steps, step);
  }

  recordOf(key: string): RecordSpec | undefined {
    return this.manifest?.records.find((record) => record.key === key);
  }

  /** By example, what the network says of it at a step. */
  verdictsAt(index: number): (Verdict | null)[] {
    const { manifest } = this;
    if (!manifest) return [];
    return Array.from({ length: this.probeCount }, (_, probe) =>
      verdictOf(manifest, this.targets ?? undefined, index, probe),
    );
  }

  /** Ask for the manifest and the predictions; return whether there was news. */
  async load(run: string): Promise<boolean> {
    const signal = this.#lane.next();
    const manifest = await this.api.json<Manifest>("manifest", { run }, signal);
    const text = JSON.stringify(manifest);
    this.error = null;
    if (text === this.#manifestText) return false;
    if (this.run !== run) this.#forgetFigures();
    this.manifest = manifest;
    // Without records there are no predictions.
    if (!manifest.summaries) {
      const figures = this.#follow(this.#targets);
      await Promise.all([figures, this.#readOn(manifest, signal)]);
      await this.#follow(this.#targets);
    }
    this.#manifestText = JSON.stringify(this.manifest);
    return true;
  }

  /** Of a long run the manifest says the newest steps first; fetch what is still to come. */
  async #readOn({ run, unread }: Manifest, signal: AbortSignal): Promise<void> {
    for (let left = unread; left > 0; ) {
      const manifest = await this.api.json<Manifest>("manifest", { run, more: 1 }, signal);
      left = manifest.unread;
      this.manifest = manifest;
    }
  }

  forget(): void {
    this.#lane.stop();
    this.#forgetFigures();
    this.manifest = null;
    this.error = null;
    this.#manifestText = "";
  }

  #statsOf(key: string): string {
    const record = this.recordOf(key);
    const coloured = !record || ["map", "channels", "weights"].includes(record.form);
    // Bars, figures and tables are few numbers: none of them is cut off.
    // What the colour scale and the time bar need; the other statistics stay on the server.
    return `${statsOf(coloured ? this.selection().range : "minmax")},drift`;
  }

  /** Fetch a record's statistics, and those of later steps as the run grows. */
  async wantColumns(key: string): Promise<void> {
    const { run } = this;
    if (!run) return;
    const stats = this.#statsOf(key);
    let known = untrack(() => this.#columns.get(key));
    if (known?.stats !== stats) {
      known?.of.forget();
      const of = this.#figuresOf("columns", { key, stats }, (table) => {
        this.columns = { ...untrack(() => this.columns), [key]: columnsOf(table) };
      });
      known = { stats, of };
      this.#columns.set(key, known);
    }
    try {
      await this.#follow(known.of);
    } catch (error) {
      if (!isAbort(error)) this.error = error instanceof Error ? error.message : String(error);
    }
  }

  #figuresOf(route: string, query: Query, show: (table: StepTable) => void): StepFigures {
    return new StepFigures((steps, signal) => {
      return this.api.bundle(route, { run: this.run, ...query, steps }, signal);
    }, show);
  }

  #follow(figures: StepFigures): Promise<void> {
    const { step, a, b } = untrack(() => ({ ...this.selection() }));
    const looked = [step, a, b].map((each) => this.indexOf(each));
    return figures.follow(this.steps, this.#names, [0, ...looked]);
  }

  #forgetFigures(): void {
    for (const { of } of this.#columns.values()) of.forget();
    this.#columns.clear();
    this.#targets.forget();
    this.columns = {};
    this.targets = null;
  }
}
