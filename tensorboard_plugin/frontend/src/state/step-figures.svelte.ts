/** A table of figures by step that follows its run: only what is new is asked for, a part at a time. */

import { Lane } from "../core/api";
import { filled, laidOut, partsToCome, type StepTable } from "../core/step-table";
import type { Bundle } from "../core/wire";

export class StepFigures {
  /** Steps whose figures are on their way. */
  coming = $state(0);
  #table: StepTable | undefined;
  #lane = new Lane();
  #followed: { stamps: string[]; done: Promise<void> } | undefined;

  constructor(
    private readonly ask: (steps: number[], signal: AbortSignal) => Promise<Bundle>,
    private readonly show: (table: StepTable) => void,
  ) {}

  /** Fetch what is missing of the steps of now, each known by its stamp; what is `looked` at first. */
  async follow(steps: number[], stamps: string[], looked: number[]): Promise<void> {
    if (this.#followed?.stamps !== stamps)
      this.#followed = { stamps, done: this.#fetch(steps, stamps, looked) };
    const { done } = this.#followed;
    try {
      await done;
    } catch (error) {
      if (this.#followed?.done === done) this.#followed = undefined;
      throw error;
    }
  }

  forget(): void {
    this.#lane.stop();
    this.#table = undefined;
    this.#followed = undefined;
    this.coming = 0;
  }

  async #fetch(steps: number[], stamps: string[], looked: number[]): Promise<void> {
    const signal = this.#lane.next();
    let table = laidOut(this.#table, steps, stamps);
    const parts = partsToCome(table, looked);
    // A table that has nothing yet is worth no look.
    if (this.#table) this.show(table);
    let coming = parts.flat().length;
    this.coming = coming;
    try {
      for (const [at, part] of parts.entries()) {
        const asked = part.map((place) => steps[place]);
        const bundle = await this.ask(asked, signal);
        signal.throwIfAborted();
        table = filled(table, bundle, part, stamps);
        this.#table = table;
        coming -= part.length;
        this.coming = coming;
        // Each look at a long run costs as much as the run is long: after 1, 2, 4, ... parts.
        if (coming === 0 || Number.isInteger(Math.log2(at + 1))) this.show(table);
      }
    } finally {
      if (!signal.aborted) this.coming = 0;
    }
  }
}
