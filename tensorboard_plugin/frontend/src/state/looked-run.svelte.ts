/** A run that is looked at: what is known of it. The tab has one, or two to compare. */

import { type Api, Lane } from "../core/api";
import { type Columns, columnsOf } from "../core/columns";
import { statsOf } from "../core/domain";
import { formOf } from "../core/forms";
import { type Targets, targetsOf, type Verdict, verdictOf } from "../core/probes";
import { attributions, layered } from "../core/records";
import { placeOf } from "../core/sampling";
import type { Manifest, RecordSpec } from "../core/types";
import type { ViewState } from "../core/view-state";

export class LookedRun {
  manifest = $state.raw<Manifest | null>(null);
  targets = $state.raw<Targets | null>(null);
  columns = $state.raw<Record<string, Columns>>({});
  /** The last request that failed, in words. */
  error = $state<string | null>(null);

  readonly run = $derived(this.manifest?.run ?? "");
  readonly steps = $derived(this.manifest?.steps ?? []);
  readonly records = $derived(this.manifest ? attributions(this.manifest) : []);
  readonly layers = $derived(this.manifest ? layered(this.manifest) : []);
  readonly probeCount = $derived(this.manifest?.probes.count ?? 0);

  /** By step, the attempt and time of its writing. */
  readonly #stamps = $derived(
    new Map(
      this.steps.map((step, i) => [
        step,
        `${this.manifest?.attempts[i]}.${this.manifest?.wall_times[i]}`,
      ]),
    ),
  );

  #manifestText = "";
  #lane = new Lane();
  #columnsAsked = new Map<string, string>();

  constructor(
    private readonly api: Api,
    private readonly range: () => ViewState["range"],
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
    if (this.run !== run) {
      this.columns = {};
      this.targets = null;
    }
    this.manifest = manifest;
    // Without records there are no predictions.
    this.targets = manifest.summaries
      ? null
      : targetsOf(await this.api.bundle("targets", { run }, signal));
    this.#manifestText = text;
    return true;
  }

  forget(): void {
    this.#lane.stop();
    this.manifest = null;
    this.error = null;
    this.#manifestText = "";
  }

  #statsOf(key: string): string {
    const record = this.recordOf(key);
    const coloured = !record || ["map", "channels", "weights"].includes(formOf(record));
    // Bars, figures and tables are few numbers: none of them is cut off.
    // What the colour scale and the time bar need; the other statistics stay on the server.
    return `${statsOf(coloured ? this.range() : "minmax")},drift`;
  }

  /** Fetch a record's statistics, again whenever the run has grown. */
  async wantColumns(key: string): Promise<void> {
    const { run } = this;
    const stats = this.#statsOf(key);
    const version = `${run}|${stats}|${[...this.#stamps.values()].join()}`;
    if (!run || this.#columnsAsked.get(key) === version) return;
    this.#columnsAsked.set(key, version);
    try {
      const bundle = await this.api.bundle("columns", { run, key, stats });
      if (this.run === run) this.columns = { ...this.columns, [key]: columnsOf(bundle) };
    } catch (error) {
      this.#columnsAsked.delete(key);
      this.error = error instanceof Error ? error.message : String(error);
    }
  }
}
