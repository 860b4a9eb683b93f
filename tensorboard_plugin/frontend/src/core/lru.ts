/** A cache that forgets what was used longest ago once it holds more than `capacity`. */
export class LruCache<Value> {
  #entries = new Map<string, { value: Value; size: number }>();
  #held = 0;

  constructor(readonly capacity: number) {}

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  set(key: string, value: Value, size: number): void {
    this.delete(key);
    this.#entries.set(key, { value, size });
    this.#held += size;
    for (const oldest of this.#entries.keys()) {
      if (this.#held <= this.capacity || oldest === key) break;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#held -= entry.size;
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
    this.#held = 0;
  }
}
