/** What the model returned at many positions, fetched for the few examples that are looked at. */

import { type Answer, answersOf } from "../core/answer";
import { type Api, isAbort, Lane } from "../core/api";
import { LruCache } from "../core/lru";

const CAPACITY = 64 * 1024 * 1024;

export class AnswerStore {
  #cache = new LruCache<Answer>(CAPACITY);
  #lane = new Lane();
  #arrivals = $state(0);
  #wish = "";
  /** The last refusal, in words. */
  error = $state<string | null>(null);

  constructor(
    private readonly api: Api,
    private readonly stamp: (run: string, step: number) => string,
  ) {}

  peek(run: string, step: number, row: number): Answer | undefined {
    void this.#arrivals;
    return this.#cache.get(this.#id(run, step, row));
  }

  /** Fetch what is not here yet; a new wish replaces the older one. */
  async want(run: string, steps: number[], row: number): Promise<void> {
    const missing = [...new Set(steps)].filter(
      (step) => !this.#cache.has(this.#id(run, step, row)),
    );
    const wish = missing.map((step) => this.#id(run, step, row)).join("\n");
    if (wish === this.#wish) return;
    const signal = this.#lane.next();
    this.#wish = wish;
    if (wish === "") return;
    try {
      const bundle = await this.api.bundle("answers", { run, steps: missing, rows: [row] }, signal);
      if (signal.aborted) return;
      for (const { step, answer } of answersOf(bundle))
        this.#cache.set(this.#id(run, step, row), answer, 4 * answer.values.length + 256);
      this.error = null;
    } catch (error) {
      if (isAbort(error)) return;
      this.error = error instanceof Error ? error.message : String(error);
    }
    this.#wish = "";
    this.#arrivals++;
  }

  #id(run: string, step: number, row: number): string {
    return [run, step, this.stamp(run, step), row].join("|");
  }
}
