/** What TensorBoard keeps of a run without records: pictures by tag, at some of the steps. */

import { address } from "./api";
import { found } from "./layers";
import type { SummarySeries } from "./types";

/** One picture over the steps; a tag may hold several a step. */
export interface PictureItem {
  id: string;
  name: string;
  sample: number;
  series: SummarySeries;
}

export function pictureItems(pictures: SummarySeries[]): PictureItem[] {
  return pictures.flatMap((series) =>
    Array.from({ length: series.samples }, (_, sample) => ({
      id: sample ? `${series.tag}|${sample}` : series.tag,
      name: series.samples > 1 ? `${series.title} #${sample}` : series.title,
      sample,
      series,
    })),
  );
}

/** Those whose name or tag has every word of the search. */
export function foundItems(items: PictureItem[], search: string): PictureItem[] {
  const names = items.map(({ name, series }) => `${name} ${series.tag}`);
  return found(names, search).map((at) => items[at]);
}

/** Address of the picture that is kept of exactly this step; undefined where there is none. */
export function pictureAddress(run: string, item: PictureItem, step: number): string | undefined {
  const { tag, steps, stamp } = item.series;
  if (!steps.includes(step)) return undefined;
  return address("picture", { run, tag, step, sample: item.sample, stamp });
}

/** The step that a picture's address names. */
export function stepOfAddress(url: string): number | undefined {
  const written = new URLSearchParams(url.slice(url.indexOf("?"))).get("step");
  return written === null ? undefined : Number(written);
}

/** The kept steps on both sides of one that is not kept. */
export function neighbours(steps: number[], step: number): { before?: number; after?: number } {
  return {
    before: steps.findLast((each) => each < step),
    after: steps.find((each) => each > step),
  };
}

/** Text in which words between backticks are code: every second part is. */
export function codeParts(text: string): string[] {
  return text.split("`");
}
