/** The probes' inputs: as small pictures for cards, as raw numbers for the cursor. */

import { type Api, isAbort } from "../core/api";
import type { Picture } from "../core/picture";
import { arrayOf, type Bundle } from "../core/wire";

export interface RawInput {
  shape: number[];
  values: Float32Array;
}

type Kind = "inputs" | "values";

export class InputStore {
  #pictures = new Map<string, Picture>();
  #raw = new Map<string, RawInput>();
  #asked = new Set<string>();
  #arrivals = $state(0);

  constructor(
    private readonly api: Api,
    private readonly scope: () => string,
  ) {}

  picture(input: string, row: number, size?: number): Picture | undefined {
    void this.#arrivals;
    return this.#pictures.get(this.#id("inputs", input, row, size));
  }

  raw(input: string, row: number): RawInput | undefined {
    void this.#arrivals;
    return this.#raw.get(this.#id("values", input, row));
  }

  wantPictures(run: string, input: string, rows: number[], size?: number): Promise<void> {
    return this.#want("inputs", run, input, rows, size);
  }

  wantRaw(run: string, input: string, rows: number[]): Promise<void> {
    return this.#want("values", run, input, rows);
  }

  async #want(kind: Kind, run: string, input: string, rows: number[], size?: number) {
    const ids = new Map(rows.map((row) => [row, this.#id(kind, input, row, size)]));
    const missing = rows.filter((row) => !this.#asked.has(ids.get(row) ?? ""));
    if (missing.length === 0) return;
    for (const row of missing) this.#asked.add(ids.get(row) ?? "");
    try {
      const bundle = await this.api.bundle(kind, { run, input, rows: missing, size });
      missing.forEach((row, at) => {
        this.#keep(bundle, at, ids.get(row) ?? "");
      });
    } catch (error) {
      // Asked for again when it is next in sight.
      for (const row of missing) this.#asked.delete(ids.get(row) ?? "");
      if (!isAbort(error)) console.warn("keras_explain: the inputs did not arrive.", error);
    }
    this.#arrivals++;
  }

  #keep(bundle: Bundle, at: number, id: string): void {
    const pixels = bundle.arrays.get("pixels");
    const { shape, values } = pixels ?? arrayOf(bundle, "values");
    const size = shape.slice(1).reduce((product, length) => product * length, 1);
    const own = values.subarray(at * size, (at + 1) * size);
    if (!pixels) {
      this.#raw.set(id, { shape: shape.slice(1), values: own as Float32Array });
      return;
    }
    const [, height, width, channels] = shape;
    this.#pictures.set(id, { height, width, channels: channels ?? 1, pixels: own as Uint8Array });
  }

  #id(kind: Kind, input: string, row: number, size?: number): string {
    return [kind, this.scope(), input, row, size ?? ""].join("|");
  }
}
