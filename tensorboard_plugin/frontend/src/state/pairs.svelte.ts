/** How alike two sides are: figures that the server has compared, and those on their way. */

import { type Api, isAbort, Lane } from "../core/api";
import { chunksOf } from "../core/chunks";
import { LruCache } from "../core/lru";
import { type Figure, noFigures, type PairFigures, withReply } from "../core/pair";

/** Records of two runs, all their examples. */
export interface Pairing {
  run: string;
  key: string;
  runb: string;
  keyb: string;
  /** Which figure; all where it is not said. */
  figures?: Figure;
}

export interface PairWish {
  pairing: Pairing;
  /** Numbers in a row of both sides: what an answer costs. */
  numbers: number;
  /** Examples that there are, and those that are wanted. */
  count: number;
  rows: number[];
  /** Steps of A and B. */
  steps: [number, number][];
}

const CAPACITY = 16 * 1024 * 1024;
/** Numbers compared for one request: about a second, so that the first rows are soon there. */
const REQUEST = 2 ** 21;

export class PairStore {
  #cache = new LruCache<PairFigures>(CAPACITY);
  #lanes = new Map<string, { lane: Lane; wish: string }>();
  #arrivals = $state(0);
  /** The last refusal of a lane, in words. */
  errors = $state<Record<string, string>>({});

  constructor(
    private readonly api: Api,
    private readonly stamp: (run: string, step: number) => string,
  ) {}

  peek(pairing: Pairing, steps: [number, number]): PairFigures | undefined {
    void this.#arrivals;
    return this.#cache.get(this.#id(pairing, steps));
  }

  isBusy(lane: string): boolean {
    return (this.#lanes.get(lane)?.wish ?? "") !== "";
  }

  /** Fetch what is not here yet. A lane's new wish replaces its older one. */
  async want(name: string, { pairing, numbers, count, rows, steps }: PairWish): Promise<void> {
    const ids = steps.map((both) => this.#id(pairing, both));
    const slot = this.#lanes.get(name) ?? { lane: new Lane(), wish: "" };
    this.#lanes.set(name, slot);
    const needed = ids.flatMap((id, at) => {
      const known = this.#cache.get(id)?.known;
      return rows.every((row) => known?.[row]) ? [] : [at];
    });
    const wish = needed.map((at) => ids[at]).join("\n") + (needed.length ? rows.join() : "");
    if (wish !== "" && wish === slot.wish) return;
    const signal = slot.lane.next();
    slot.wish = wish;
    delete this.errors[name];
    if (wish === "") return;
    try {
      const most = Math.max(1, Math.floor(REQUEST / Math.max(1, numbers)));
      for (const chunk of chunksOf(needed, rows, most)) {
        const both = chunk.steps.map((at) => steps[at]);
        const query = {
          ...pairing,
          steps: both.map(([a]) => a),
          stepsb: both.map(([, b]) => b),
          rows: chunk.rows,
        };
        const bundle = await this.api.bundle("pair", query, signal);
        if (signal.aborted) return;
        chunk.steps.forEach((at, place) => {
          const before = this.#cache.get(ids[at]) ?? noFigures(count);
          this.#cache.set(ids[at], withReply(before, bundle, place), 32 * count + 512);
        });
        this.#arrivals++;
      }
    } catch (error) {
      if (isAbort(error)) return;
      this.errors[name] = error instanceof Error ? error.message : String(error);
    }
    slot.wish = "";
    this.#arrivals++;
  }

  #id({ run, key, runb, keyb, figures }: Pairing, [a, b]: [number, number]): string {
    const side = (run: string, key: string, step: number) =>
      [run, key, step, this.stamp(run, step)].join("|");
    return [side(run, key, a), side(runb, keyb, b), figures ?? ""].join("|");
  }
}
