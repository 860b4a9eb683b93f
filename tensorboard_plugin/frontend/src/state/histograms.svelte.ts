/** The histograms that TensorBoard keeps of one tag; only the newest tag asked for is fetched. */

import { type Api, isAbort, Lane } from "../core/api";
import { type Buckets, bucketsByStep } from "../core/buckets";
import type { SummarySeries } from "../core/types";

export class HistogramStore {
  #lane = new Lane();
  #asked = "";
  #id = $state("");
  #found = $state.raw<Map<number, Buckets | undefined>>(new Map());
  /** The last refusal, in words. */
  error = $state<string | null>(null);

  constructor(private readonly api: Api) {}

  /** By step, the buckets; undefined while they are not here. */
  of(run: string, { tag, stamp }: SummarySeries): Map<number, Buckets | undefined> | undefined {
    return this.#id === `${run}|${tag}|${stamp}` ? this.#found : undefined;
  }

  async want(run: string, { tag, stamp }: SummarySeries): Promise<void> {
    const id = `${run}|${tag}|${stamp}`;
    if (this.#asked === id) return;
    this.#asked = id;
    try {
      const bundle = await this.api.bundle("histograms", { run, tag }, this.#lane.next());
      this.#found = bucketsByStep(bundle);
      this.#id = id;
      this.error = null;
    } catch (error) {
      if (isAbort(error)) return;
      this.#asked = "";
      this.error = error instanceof Error ? error.message : String(error);
    }
  }
}
