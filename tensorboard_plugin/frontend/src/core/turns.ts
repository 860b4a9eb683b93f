/** Tasks one at a time, the one of lowest rank first. */

export class Turns {
  readonly #waiting: { rank: number; task: () => Promise<void> }[] = [];
  #isAtWork = false;

  /** Before each task `free` is waited for. */
  constructor(private readonly free: () => Promise<void>) {}

  take<Result>(rank: number, task: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const later = this.#waiting.findIndex((other) => other.rank > rank);
      const place = later < 0 ? this.#waiting.length : later;
      this.#waiting.splice(place, 0, { rank, task: () => task().then(resolve, reject) });
      if (!this.#isAtWork) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#isAtWork = true;
    while (this.#waiting.length > 0) {
      await this.free();
      await this.#waiting.shift()?.task();
    }
    this.#isAtWork = false;
  }
}
