/** The maps that were fetched, and those that are on their way. */

import { type Api, isAbort, Lane } from "../core/api";
import { chunksOf } from "../core/chunks";
import { LruCache } from "../core/lru";
import { mapRows } from "../core/maps";
import type { MapRow } from "../core/types";

/** What is asked for: rows of a record, and of its channels where only some are wanted. */
export interface Ask {
  run: string;
  key: string;
  channels?: number[];
}

const CAPACITY = 192 * 1024 * 1024;
/** Half of what the server refuses, so that the first maps are drawn soon. */
const REQUEST = 4 * 1024 * 1024;

export class MapStore {
  #cache = new LruCache<MapRow>(CAPACITY);
  #lanes = new Map<string, { lane: Lane; wanted: Set<string> }>();
  #arrivals = $state(0);
  /** All maps of a page are asked for one after another. */
  #last: { ask?: Ask; step: number; stamp: string; stem: string } = {
    step: 0,
    stamp: "",
    stem: "",
  };
  /** The last refusal of a lane, in words. */
  errors = $state<Record<string, string>>({});

  /** `stamp` names the writing of a step, so that one that was logged again is fetched again. */
  constructor(
    private readonly api: Api,
    private readonly stamp: (run: string, step: number) => string,
    private readonly bytesOf: (ask: Ask) => number,
  ) {}

  peek(ask: Ask, step: number, row: number): MapRow | undefined {
    void this.#arrivals;
    return this.#cache.get(this.#id(ask, step, row));
  }

  isBusy(lane: string): boolean {
    return (this.#lanes.get(lane)?.wanted.size ?? 0) > 0;
  }

  /** Fetch what is not here yet, in as few requests as their size allows. A lane's new wish replaces its older one. */
  async want(name: string, ask: Ask, steps: number[], rows: number[]): Promise<void> {
    const missing = (step: number, row: number) => !this.#cache.has(this.#id(ask, step, row));
    const neededSteps = steps.filter((step) => rows.some((row) => missing(step, row)));
    const neededRows = rows.filter((row) => steps.some((step) => missing(step, row)));
    const slot = this.#lanes.get(name) ?? { lane: new Lane(), wanted: new Set<string>() };
    this.#lanes.set(name, slot);
    const wish = new Set(
      neededSteps.flatMap((step) => neededRows.map((row) => this.#id(ask, step, row))),
    );
    if (wish.size > 0 && [...wish].every((id) => slot.wanted.has(id))) return;
    const signal = slot.lane.next();
    slot.wanted = wish;
    if (wish.size === 0) return;
    try {
      const most = Math.floor(REQUEST / Math.max(1, this.bytesOf(ask)));
      for (const chunk of chunksOf(neededSteps, neededRows, most)) {
        const bundle = await this.api.bundle("maps", { ...ask, ...chunk }, signal);
        if (signal.aborted) return;
        for (const map of mapRows(bundle))
          this.#cache.set(this.#id(ask, map.step, map.row), map, map.values.byteLength + 256);
        this.#arrivals++;
      }
      delete this.errors[name];
    } catch (error) {
      if (isAbort(error)) return;
      this.errors[name] = error instanceof Error ? error.message : String(error);
    }
    slot.wanted = new Set();
    this.#arrivals++;
  }

  #id(ask: Ask, step: number, row: number): string {
    const stamp = this.stamp(ask.run, step);
    const last = this.#last;
    if (last.ask !== ask || last.step !== step || last.stamp !== stamp) {
      const { run, key, channels } = ask;
      const stem = [run, key, channels?.join(".") ?? "", step, stamp].join("|");
      this.#last = { ask, step, stamp, stem };
    }
    return `${this.#last.stem}|${row}`;
  }
}
