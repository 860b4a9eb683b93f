/** A view that is fetched apart from the shell: once, and again where that failed. */

import type { Component } from "svelte";

// biome-ignore lint/complexity/noBannedTypes: what Svelte calls no exports
export type View<Props extends object> = Component<Props, {}, "">;

export class LaterView<Props extends object> {
  /** The view, as soon as it is here. */
  view = $state.raw<View<Props> | null>(null);
  /** Why the last attempt failed, in words. */
  error = $state<string | null>(null);
  #fetching: Promise<void> | null = null;

  constructor(readonly load: () => Promise<{ default: View<Props> }>) {}

  fetch(): Promise<void> {
    this.#fetching ??= this.#fetch();
    return this.#fetching;
  }

  /** Fetch before it is needed; a failure waits for somebody who asks again. */
  async fetchAhead(): Promise<void> {
    if (!this.error) await this.fetch();
  }

  async #fetch(): Promise<void> {
    this.error = null;
    try {
      this.view = (await this.load()).default;
    } catch (error) {
      this.error = error instanceof Error ? error.message : String(error);
      this.#fetching = null;
    }
  }
}
