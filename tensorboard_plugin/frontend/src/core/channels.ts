/** Figures of a layer's channels: by them channels are sorted, and called dead. */

import { areChannels } from "./axes";
import type { RecordSpec } from "./types";

export const CHANNEL_SORTS = ["index", "mean_abs", "zero", "drift"] as const;
export type ChannelSort = (typeof CHANNEL_SORTS)[number];
export const CHANNELS_OVER = ["example", "all"] as const;
export type ChannelsOver = (typeof CHANNELS_OVER)[number];

/** Tables `(rows, channels)` of one record at one step. */
export interface ChannelFigures {
  rows: number;
  channels: number;
  tables: Map<string, Float32Array>;
}

/** One figure of every channel: of one example, or its mean over all that have it. */
export function figureOf(
  figures: ChannelFigures | undefined,
  name: string,
  row: number | null,
): Float32Array {
  const table = figures?.tables.get(name);
  if (!figures || !table) return new Float32Array();
  const { rows, channels } = figures;
  if (row !== null) return table.slice(row * channels, (row + 1) * channels);
  return Float32Array.from({ length: channels }, (_, channel) => {
    let total = 0;
    let count = 0;
    for (let r = 0; r < rows; r++) {
      const value = table[r * channels + channel];
      if (!Number.isFinite(value)) continue;
      total += value;
      count++;
    }
    return total / count;
  });
}

/** Channels, the largest figure first; equal ones in their order, those without a figure last. */
export function largestFirst(values: ArrayLike<number>): number[] {
  const rank = (value: number) => (Number.isFinite(value) ? value : Number.NEGATIVE_INFINITY);
  return Array.from({ length: values.length }, (_, i) => i).sort(
    (a, b) => rank(values[b]) - rank(values[a]) || a - b,
  );
}

/** Channels that are zero everywhere for every example whose row can be read. */
export function deadChannels(figures: ChannelFigures | undefined): Set<number> {
  const zero = figures?.tables.get("zero");
  const dead = new Set<number>();
  if (!figures || !zero) return dead;
  for (let channel = 0; channel < figures.channels; channel++) {
    let known = 0;
    let silent = 0;
    for (let row = 0; row < figures.rows; row++) {
      const share = zero[row * figures.channels + channel];
      if (!Number.isFinite(share)) continue;
      known++;
      if (share === 1) silent++;
    }
    if (known > 0 && known === silent) dead.add(channel);
  }
  return dead;
}

/** The examples with the largest values in one channel, at most so many, the largest first. */
export function topExamples(
  figures: ChannelFigures | undefined,
  channel: number,
  most = 9,
): { row: number; peak: number }[] {
  const table = figures?.tables.get("peak");
  if (!figures || !table) return [];
  const peaks = Float32Array.from(
    { length: figures.rows },
    (_, row) => table[row * figures.channels + channel],
  );
  return largestFirst(peaks)
    .slice(0, most)
    .filter((row) => Number.isFinite(peaks[row]))
    .map((row) => ({ row, peak: peaks[row] }));
}

/** The record of one number for each channel of the same layer: how much it counts. */
export function weightsOf(records: RecordSpec[], { layer }: RecordSpec): RecordSpec | undefined {
  return records.find((each) => each.layer === layer && areChannels(each.axes));
}
