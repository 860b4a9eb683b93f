/** What is known of the run's health, and what this browser does not want to hear of. */

import {
  type Alert,
  type AlertReply,
  type AlertRule,
  limitsOf,
  newsText,
  type Tick,
  ticksOf,
} from "../core/alerts";
import { isAbort, Lane } from "../core/api";
import { readSetting, writeSetting } from "../core/host";
import { app } from "./app.svelte";

/** Points of an alert's line. */
const POINTS = 80;
/** A long run is measured bit by bit: the next part is asked for at once. */
const NEXT_PART = 50;
/** At most one message to a screen reader in so many milliseconds. */
const QUIET = 10_000;
const MOST_MUTED = 500;

class Health {
  reply = $state.raw<AlertReply | null>(null);
  error = $state<string | null>(null);
  /** For screen readers. */
  news = $state("");
  #muted = $state.raw<ReadonlySet<string>>(readMuted());

  /** By rule, what it is called; known once the view was open. */
  rules = $state.raw<AlertRule[]>([]);
  readonly heard = $derived(
    (this.reply?.alerts ?? []).filter((alert) => !this.isMuted(alert.name)),
  );
  /** Those that the badge counts: a note is no trouble. */
  readonly troubles = $derived(this.heard.filter(({ severity }) => severity !== "info"));
  readonly ticks = $derived<Tick[]>(
    ticksOf(this.heard, app.steps, (alert) => this.titleOf(alert.rule)),
  );

  #lane = new Lane();
  #asked = "";
  #told: ReadonlySet<string> | null = null;
  #toldRun = "";
  #toldAt = 0;

  titleOf(rule: string): string {
    return this.rules.find(({ name }) => name === rule)?.title ?? rule.replaceAll("_", " ");
  }

  isMuted(name: string): boolean {
    return this.#muted.has(`${app.run}|${name}`);
  }

  mute(alert: Alert, muted: boolean): void {
    const id = `${app.run}|${alert.name}`;
    const others = [...this.#muted].filter((each) => each !== id);
    this.#muted = new Set(muted ? [...others, id].slice(-MOST_MUTED) : others);
    writeSetting("muted", JSON.stringify([...this.#muted]));
  }

  /** Ask again where the run, its steps or the thresholds are others; `full` with the lines. */
  want(run: string, state: string, limits: string | null, full: boolean): void {
    const wish = JSON.stringify([run, state, limits, full]);
    if (!run || wish === this.#asked) return;
    if (run !== this.#toldRun) this.reply = null;
    this.#asked = wish;
    void this.#ask(run, limits, full, this.#lane.next());
  }

  forget(): void {
    this.#lane.stop();
    this.#asked = "";
    this.reply = null;
    this.error = null;
  }

  async #ask(run: string, limits: string | null, full: boolean, signal: AbortSignal) {
    const query = { run, ...limitsOf(limits), points: full ? POINTS : undefined };
    try {
      const reply = await app.api.json<AlertReply>("alerts", query, signal);
      this.reply = reply;
      this.rules = reply.rules ?? this.rules;
      this.error = null;
      if (reply.pending) {
        setTimeout(() => {
          if (!signal.aborted) void this.#ask(run, limits, full, signal);
        }, NEXT_PART);
      } else this.#tell(run);
    } catch (error) {
      if (isAbort(error)) return;
      this.#asked = "";
      this.error = error instanceof Error ? error.message : String(error);
    }
  }

  #tell(run: string): void {
    if (run !== this.#toldRun) this.#told = null;
    const text = newsText(this.#told, this.troubles);
    const isSoon = this.#told !== null && Date.now() - this.#toldAt < QUIET;
    // What comes too soon is told with what comes next.
    if (isSoon && text) return;
    this.#toldRun = run;
    this.#told = new Set([...(this.#told ?? []), ...this.troubles.map(({ name }) => name)]);
    if (!text) return;
    this.news = text;
    this.#toldAt = Date.now();
  }
}

function readMuted(): ReadonlySet<string> {
  try {
    const found: unknown = JSON.parse(readSetting("muted") ?? "[]");
    return new Set(Array.isArray(found) ? found.filter((each) => typeof each === "string") : []);
  } catch {
    return new Set();
  }
}

export const health = new Health();

/** The badge and the marks need the alerts; the view needs their lines too. */
export function keepHealth(): void {
  $effect(() => {
    const { manifest, selection } = app;
    // Rules look at records.
    if (manifest?.summaries) return health.forget();
    // To measure a long run takes the server's time: what is looked at comes first.
    if (!app.targets && !app.stale && !health.reply) return;
    const state = manifest ? `${manifest.attempts.at(-1)}.${manifest.changed.join()}` : "";
    health.want(app.run, state, selection.limits, selection.view === "health");
  });
}
