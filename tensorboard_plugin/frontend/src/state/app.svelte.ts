/** The one store: what is selected, and what is known of the run. */

import { Api, isAbort, Lane } from "../core/api";
import { lengthOf } from "../core/axes";
import { homeOf, isFilm } from "../core/forms";
import { gapRecord } from "../core/gap";
import { loopOf, type Playhead, type PlayState } from "../core/player";
import { findRecord, statisticsOf } from "../core/records";
import type { Theme } from "../core/theme";
import type { RunList } from "../core/types";
import { DEFAULTS, type ViewState } from "../core/view-state";
import { AnswerStore } from "./answers.svelte";
import { FigureStore } from "./figures.svelte";
import { InputStore } from "./inputs.svelte";
import { LookedRun } from "./looked-run.svelte";
import { type Ask, MapStore } from "./maps.svelte";
import { PairStore } from "./pairs.svelte";

class App {
  readonly api = new Api();
  /** The chosen run, and the one that it is compared with, where that is another one. */
  first = $state.raw(new LookedRun(this.api, () => this.selection));
  other = $state.raw(new LookedRun(this.api, () => this.selection));
  readonly maps = new MapStore(
    this.api,
    (run, step) => this.lookedAt(run).stampOf(step),
    (ask) => this.#bytesOf(ask),
  );
  readonly figures = new FigureStore(this.api, (run, step) => this.lookedAt(run).stampOf(step));
  readonly answers = new AnswerStore(this.api, (run, step) => this.lookedAt(run).stampOf(step));
  readonly pairs = new PairStore(this.api, (run, step) => this.lookedAt(run).stampOf(step));
  readonly inputs = new InputStore(this.api, () => this.manifest?.probes.hash ?? "");

  selection = $state<ViewState>({ ...DEFAULTS, pinned: [] });
  playState = $state<PlayState>("following");
  speed = $state(4);
  theme = $state<Theme>("light");
  /** A key is held down to look at A alone. */
  peeking = $state(false);

  runs = $state.raw<RunList | null>(null);
  /** Why the run cannot be shown, in words. */
  error = $state<string | null>(null);
  /** The last request for news that failed; the view stays as it was. */
  stale = $state<string | null>(null);
  /** Steps that arrived since the user last looked at the end. */
  news = $state(0);
  /** Milliseconds since 1970, moved on by a slow clock. */
  now = $state(Date.now());
  checked = $state(Date.now());

  readonly manifest = $derived(this.first.manifest);
  readonly targets = $derived(this.first.targets);
  readonly columns = $derived(this.first.columns);
  readonly steps = $derived(this.first.steps);
  readonly index = $derived(this.first.indexOf(this.selection.step));
  readonly step = $derived<number | undefined>(this.steps[this.index]);
  readonly records = $derived(this.first.records);
  readonly record = $derived(findRecord(this.records, this.selection.record));
  readonly layers = $derived(this.first.layers);
  readonly layer = $derived(findRecord(this.layers, this.selection.layer));
  /** Everything that can be chosen by the name of its method. */
  readonly choices = $derived([
    ...this.records,
    ...this.layers,
    ...[statisticsOf(this.manifest?.records ?? [])].filter((each) => each !== undefined),
  ]);
  /** What the view in front shows. */
  readonly chosen = $derived(this.selection.view === "layers" ? this.layer : this.record);
  readonly gap = $derived(this.chosen && gapRecord(this.records, this.chosen.method));
  readonly dark = $derived(this.theme === "dark");
  readonly probeCount = $derived(this.first.probeCount);
  readonly probe = $derived(Math.min(this.selection.probe, Math.max(0, this.probeCount - 1)));
  /** By example, what the network says of it at this step. */
  readonly verdicts = $derived(this.first.verdictsAt(this.index));
  readonly run = $derived(this.first.run);
  /** The run of side B: the other one where one is chosen. */
  readonly second = $derived.by(() => {
    const { runb } = this.selection;
    return !runb || this.#named(runb) === this.run ? this.first : this.other;
  });
  /** Whether the run that ships with the tab was asked for. */
  readonly isExample = $derived(
    this.runs !== null &&
      this.selection.run === this.runs.example &&
      this.#named(this.selection.run) === undefined,
  );
  readonly head = $derived<Playhead>({
    state: this.playState,
    index: this.index,
    count: this.steps.length,
  });

  /** What playing goes round in, where it does. */
  readonly loop = $derived(
    this.selection.loop ? loopOf(this.steps, this.selection.a, this.selection.b) : undefined,
  );

  #runLane = new Lane();

  /** What is known of a run by its name. */
  lookedAt(run: string): LookedRun {
    return run === this.other.run && run !== this.run ? this.other : this.first;
  }

  /** Bytes of one map of a record on the wire; statistics may come as float32. */
  #bytesOf({ run, key, channels }: Ask): number {
    const record = this.lookedAt(run).recordOf(key);
    if (!record) return 0;
    const size = (record.rows ? 4 : 2) * record.shape.reduce((product, side) => product * side, 1);
    const kept = lengthOf("channel", record.axes, record.shape);
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
      const changed = await this.#refreshRuns();
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

  /** A run by its name in TensorBoard or the one that people use. */
  #named(name: string | null): string | undefined {
    const runs = this.runs?.runs ?? [];
    return (runs.find(({ run }) => run === name) ?? runs.find((each) => each.name === name))?.run;
  }

  async #refreshRuns(): Promise<boolean> {
    const asked = this.isExample ? this.runs?.example : this.#named(this.selection.run);
    const chosen = asked ?? this.runs?.runs[0]?.run;
    if (!chosen) {
      this.first.forget();
      this.error = null;
      return false;
    }
    const changes = await Promise.all([this.#refreshFirst(chosen), this.#refreshOther(chosen)]);
    return changes.includes(true);
  }

  async #refreshFirst(run: string): Promise<boolean> {
    const before = this.run === run ? this.steps.length : undefined;
    const changed = await this.first.load(run);
    this.error = null;
    // Steps are named, not counted: the current one stays where it is in a longer bar.
    if (before === undefined) {
      this.news = 0;
      this.#openOnLayers();
    } else if (this.playState !== "following") this.news += Math.max(0, this.steps.length - before);
    return changed;
  }

  /** Volumes are looked at slice by slice: of a run of them alone Evolve has no maps. */
  #openOnLayers(): void {
    const { selection, records, layers } = this;
    const isChosen = selection.view !== "evolve" || selection.record !== null;
    if (!isChosen && !records.some(isFilm) && layers.some(({ input }) => input))
      selection.view = "layers";
  }

  /** What goes wrong with the run to compare with leaves the chosen one as it is. */
  async #refreshOther(first: string): Promise<boolean> {
    const { runb } = this.selection;
    const run = this.#named(runb);
    if (!run || run === first) {
      this.other.forget();
      if (runb && !run) this.other.error = `There is no run "${runb}" any more.`;
      return false;
    }
    try {
      return await this.other.load(run);
    } catch (error) {
      if (!isAbort(error))
        this.other.error = error instanceof Error ? error.message : String(error);
      return false;
    }
  }

  /** Without a name: the first of the user's own. */
  chooseRun(run: string | null): void {
    this.selection.run = run;
    this.selection.step = null;
    this.selection.a = null;
    this.selection.b = null;
    this.playState = "following";
    void this.refresh();
  }

  /** The two runs change places; nothing has to be fetched again. */
  swapRuns(): void {
    const { selection, first, other } = this;
    selection.run = other.run;
    selection.runb = first.run;
    [this.first, this.other] = [other, first];
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
    // An example stays open where the record says something about it, and so does a comparison.
    const comparing = ["compare", "pair"].includes(selection.view) && isFilm(record);
    const stays = home === "evolve" && selection.view === "detail" && !record.rows;
    if (!stays && !comparing) selection.view = home;
  }

  wantColumns(key: string): Promise<void> {
    return this.first.wantColumns(key);
  }
}

export const app = new App();
