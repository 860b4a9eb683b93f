/** The one store: what is selected, and what is known of the run. */

import { Api, isAbort, Lane } from "../core/api";
import { type Columns, columnsOf } from "../core/columns";
import { formOf, homeOf } from "../core/forms";
import { gapRecord } from "../core/gap";
import type { Playhead, PlayState } from "../core/player";
import { type Targets, targetsOf, verdictOf } from "../core/probes";
import { attributions, findRecord, layered, STATISTICS_KEY } from "../core/records";
import type { Theme } from "../core/theme";
import type { Manifest, RunList } from "../core/types";
import { DEFAULTS, type ViewState } from "../core/view-state";
import { InputStore } from "./inputs.svelte";
import { type Ask, MapStore } from "./maps.svelte";

/** What the colour scale and the time bar need; the other statistics stay on the server. */
const STATS = { p1: "p1,p99,drift", minmax: "min,max,drift" };

class App {
  readonly api = new Api();
  readonly maps = new MapStore(
    this.api,
    (step) => this.stampOf(step),
    (ask) => this.#bytesOf(ask),
  );
  readonly inputs = new InputStore(this.api, () => this.manifest?.probes.hash ?? "");

  selection = $state<ViewState>({ ...DEFAULTS });
  playState = $state<PlayState>("following");
  speed = $state(4);
  theme = $state<Theme>("light");

  runs = $state.raw<RunList | null>(null);
  manifest = $state.raw<Manifest | null>(null);
  targets = $state.raw<Targets | null>(null);
  columns = $state.raw<Record<string, Columns>>({});
  /** Why the run cannot be shown, in words. */
  error = $state<string | null>(null);
  /** The last request for news that failed; the view stays as it was. */
  stale = $state<string | null>(null);
  /** Steps that arrived since the user last looked at the end. */
  news = $state(0);
  /** Milliseconds since 1970, moved on by a slow clock. */
  now = $state(Date.now());
  checked = $state(Date.now());

  readonly steps = $derived(this.manifest?.steps ?? []);
  readonly index = $derived.by(() => {
    const { step } = this.selection;
    if (step === null) return this.steps.length - 1;
    const exact = this.steps.indexOf(step);
    if (exact >= 0) return exact;
    // A step that was not logged snaps to the last one before it.
    return Math.max(
      0,
      this.steps.findLastIndex((logged) => logged < step),
    );
  });
  readonly step = $derived<number | undefined>(this.steps[this.index]);
  readonly records = $derived(this.manifest ? attributions(this.manifest) : []);
  readonly record = $derived(findRecord(this.records, this.selection.record));
  readonly layers = $derived(this.manifest ? layered(this.manifest) : []);
  readonly layer = $derived(findRecord(this.layers, this.selection.layer));
  /** Everything that can be chosen by the name of its method. */
  readonly choices = $derived([
    ...this.records,
    ...this.layers,
    ...(this.manifest?.records.filter(({ key }) => key === STATISTICS_KEY) ?? []),
  ]);
  /** What the view in front shows. */
  readonly chosen = $derived(this.selection.view === "layers" ? this.layer : this.record);
  readonly gap = $derived(this.chosen && gapRecord(this.records, this.chosen.method));
  readonly dark = $derived(this.theme === "dark");
  readonly probeCount = $derived(this.manifest?.probes.count ?? 0);
  readonly probe = $derived(Math.min(this.selection.probe, Math.max(0, this.probeCount - 1)));
  /** By example, what the network says of it at this step. */
  readonly verdicts = $derived.by(() => {
    const { manifest } = this;
    if (!manifest) return [];
    return Array.from({ length: this.probeCount }, (_, probe) =>
      verdictOf(manifest, this.targets ?? undefined, this.index, probe),
    );
  });
  readonly run = $derived(this.manifest?.run ?? "");
  readonly head = $derived<Playhead>({
    state: this.playState,
    index: this.index,
    count: this.steps.length,
  });

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
  #runLane = new Lane();
  #columnsAsked = new Map<string, string>();

  stampOf(step: number): string {
    return this.#stamps.get(step) ?? "";
  }

  /** Bytes of one map of a record on the wire; statistics may come as float32. */
  #bytesOf({ key, channels }: Ask): number {
    const record = this.manifest?.records.find((each) => each.key === key);
    if (!record) return 0;
    const size = (record.rows ? 4 : 2) * record.shape.reduce((product, side) => product * side, 1);
    const kept = record.shape[record.axes.indexOf("channel")];
    if (kept === undefined) return size;
    // Summed up, the channels are one picture.
    return (size / kept) * (record.shown === "all" ? (channels?.length ?? kept) : 1);
  }

  /** Move to what the player says; a step by hand is remembered by its number. */
  apply(head: Playhead): void {
    this.playState = head.state;
    this.selection.step = head.state === "following" ? null : (this.steps[head.index] ?? null);
    if (head.index >= this.steps.length - 1) this.news = 0;
  }

  /** Ask for the list of runs and the chosen run's manifest; return whether there was news. */
  async refresh(): Promise<boolean> {
    const signal = this.#runLane.next();
    try {
      this.runs = await this.api.json<RunList>("runs", {}, signal);
      const changed = await this.#refreshManifest(signal);
      this.stale = null;
      this.checked = Date.now();
      return changed;
    } catch (error) {
      if (isAbort(error)) return false;
      const message = error instanceof Error ? error.message : String(error);
      if (this.manifest) this.stale = message;
      else this.error = message;
      return false;
    }
  }

  async #refreshManifest(signal: AbortSignal): Promise<boolean> {
    const runs = this.runs?.runs ?? [];
    const chosen =
      runs.find(({ run, name }) => [run, name].includes(this.selection.run ?? "")) ?? runs[0];
    if (!chosen) {
      this.manifest = null;
      this.error = null;
      return false;
    }
    const manifest = await this.api.json<Manifest>("manifest", { run: chosen.run }, signal);
    const text = JSON.stringify(manifest);
    if (text === this.#manifestText) return false;
    this.#take(manifest);
    this.targets = targetsOf(await this.api.bundle("targets", { run: chosen.run }, signal));
    this.#manifestText = text;
    return true;
  }

  #take(manifest: Manifest): void {
    const before = this.manifest;
    if (before && before.run !== manifest.run) {
      this.columns = {};
      this.targets = null;
      this.news = 0;
    } else if (before && this.playState !== "following") {
      this.news += Math.max(0, manifest.steps.length - before.steps.length);
    }
    // Steps are named, not counted: the current one stays where it is in a longer bar.
    this.manifest = manifest;
    this.error = null;
  }

  chooseRun(run: string): void {
    this.selection.run = run;
    this.selection.step = null;
    this.selection.a = null;
    this.selection.b = null;
    this.playState = "following";
    void this.refresh();
  }

  /** Go to a record, in the view that shows it. */
  choose(key: string): void {
    const record = this.choices.find((each) => each.key === key);
    if (!record) return;
    const { selection } = this;
    const home = homeOf(record);
    if (home === "layers") {
      selection.layer = key;
      selection.channel = null;
    } else if (home === "evolve") selection.record = key;
    // An example stays open where the record says something about it.
    const stays = home === "evolve" && selection.view === "detail" && !record.rows;
    if (!stays) selection.view = home;
  }

  #statsOf(key: string): string {
    const record = this.manifest?.records.find((each) => each.key === key);
    const coloured = !record || ["map", "channels", "weights"].includes(formOf(record));
    // Bars, figures and tables are few numbers: none of them is cut off.
    return coloured ? STATS[this.selection.range] : STATS.minmax;
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
      this.stale = error instanceof Error ? error.message : String(error);
    }
  }
}

export const app = new App();
