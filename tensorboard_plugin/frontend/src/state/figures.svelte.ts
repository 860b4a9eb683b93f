/** Figures of channels and layers that the server reduced, and those that are on their way. */

import { type Api, isAbort, Lane } from "../core/api";
import type { ChannelFigures } from "../core/channels";
import { LruCache } from "../core/lru";
import type { RecordSpec } from "../core/types";

/** Bytes of stored maps that one request makes the server read. */
const READ = 48 * 1024 * 1024;
/** What takes such a read; the other figures lie beside the maps. */
const REDUCED = new Set(["dead", "mean_abs"]);

const bytesOf = ({ shape, row_count }: RecordSpec) =>
  2 * row_count * shape.reduce((product, side) => product * side, 1);

export class FigureStore {
  #channels = new LruCache<ChannelFigures>(32 * 1024 * 1024);
  #layers = new LruCache<number>(4 * 1024 * 1024);
  #lanes = new Map<string, Lane>();
  #asked = new Map<string, string>();
  #arrivals = $state(0);
  /** The last refusal of a lane, in words. */
  errors = $state<Record<string, string>>({});

  constructor(
    private readonly api: Api,
    private readonly stamp: (run: string, step: number) => string,
  ) {}

  channels(run: string, key: string, step: number, since?: number): ChannelFigures | undefined {
    void this.#arrivals;
    return this.#channels.get(this.#id(run, key, step, since));
  }

  /** One figure of one layer; undefined while it is not here, NaN where there is none. */
  layer(run: string, key: string, step: number, name: string): number | undefined {
    void this.#arrivals;
    return this.#layers.get(this.#id(run, key, step, name));
  }

  async wantChannels(
    lane: string,
    run: string,
    record: RecordSpec,
    steps: number[],
    since?: number,
  ): Promise<void> {
    const { key } = record;
    const missing = steps.filter((step) => !this.#channels.has(this.#id(run, key, step, since)));
    const most = Math.max(1, Math.floor(READ / bytesOf(record) / (since === undefined ? 1 : 2)));
    await this.#inLane(
      lane,
      missing.map((step) => this.#id(run, key, step, since)),
      async (signal) => {
        for (let i = 0; i < missing.length; i += most) {
          const some = missing.slice(i, i + most);
          const bundle = await this.api.bundle(
            "channels",
            { run, key, steps: some, since },
            signal,
          );
          for (const [at, step] of some.entries()) {
            const tables = new Map<string, Float32Array>();
            let [rows, channels] = [0, 0];
            for (const [name, { shape, values }] of bundle.arrays) {
              [, rows, channels] = shape;
              const size = rows * channels;
              tables.set(name, (values as Float32Array).slice(at * size, (at + 1) * size));
            }
            const size = 4 * rows * channels * tables.size + 256;
            this.#channels.set(this.#id(run, key, step, since), { rows, channels, tables }, size);
          }
          this.#arrivals++;
        }
      },
    );
  }

  /** One figure of all records of a method; the maps of many layers are read a part at a time. */
  async wantLayers(run: string, records: RecordSpec[], step: number, name: string): Promise<void> {
    const { method } = records[0];
    const idOf = ({ key }: RecordSpec) => this.#id(run, key, step, name);
    const missing = records.flatMap((record, i) => (this.#layers.has(idOf(record)) ? [] : [i]));
    const lane = `layers of ${method}`;
    await this.#inLane(
      lane,
      missing.map((i) => idOf(records[i])),
      async (signal) => {
        while (missing.length) {
          const at: number[] = [];
          for (let read = 0; missing.length && at.length < 2000; ) {
            read += REDUCED.has(name) ? bytesOf(records[missing[0]]) : 0;
            if (read > READ && at.length) break;
            at.push(missing.shift() as number);
          }
          const query = { run, of: method, step, figures: name, at };
          const bundle = await this.api.bundle("layers", query, signal);
          const values = bundle.arrays.get(name)?.values ?? [];
          at.forEach((i, place) => {
            this.#layers.set(idOf(records[i]), values[place], 128);
          });
          this.#arrivals++;
        }
      },
    );
  }

  async #inLane(name: string, ids: string[], ask: (signal: AbortSignal) => Promise<void>) {
    const wish = ids.join();
    if (wish === "" || this.#asked.get(name) === wish) return;
    this.#asked.set(name, wish);
    const lane = this.#lanes.get(name) ?? new Lane();
    this.#lanes.set(name, lane);
    try {
      await ask(lane.next());
      delete this.errors[name];
    } catch (error) {
      if (isAbort(error)) return;
      this.errors[name] = error instanceof Error ? error.message : String(error);
    }
    if (this.#asked.get(name) === wish) this.#asked.delete(name);
  }

  #id(run: string, key: string, step: number, rest: string | number | undefined): string {
    const since = typeof rest === "number" ? `${rest}.${this.stamp(run, rest)}` : (rest ?? "");
    return [run, key, step, this.stamp(run, step), since].join("|");
  }
}
