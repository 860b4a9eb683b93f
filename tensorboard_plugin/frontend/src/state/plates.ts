/** What the view in front would look like as a plate, at any step. */

import { digits, percent, stepName } from "../core/format";
import { isFlat } from "../core/paint";
import { planesOf, planeValues } from "../core/planes";
import { type Verdict, verdictWords } from "../core/probes";
import { fullTitle, labelOf } from "../core/records";
import type { RecordSpec } from "../core/types";
import type { Plate, Tile } from "../export/plate";
import { app } from "./app.svelte";
import { listing } from "./listing.svelte";
import { coloursOf, domainFor, inputOf, NO_DOMAIN, overlayOf, reasonFor } from "./painting.svelte";

/** Most tiles of a plate, and most pixels of a picture in it. */
export const MOST_TILES = 64;
const PICTURE = 256;

const SCALES = {
  time: "each example's scale is the same at every step",
  page: "one scale for all examples and steps",
  map: "each map has its own scale: colours of two maps do not compare",
  fixed: "the scale is fixed by hand",
};
const RANGES = {
  minmax: "from least to most",
  p1: "1st to 99th percentile",
  p5: "5th to 95th percentile",
};

/** The record that the view in front shows as maps, if it does. */
export function plateRecord(): RecordSpec | undefined {
  const { view } = app.selection;
  const record =
    view === "layers" ? app.layer : view === "evolve" || view === "detail" ? app.record : undefined;
  return record && ["map", "channels"].includes(record.form) ? record : undefined;
}

/** Which rows of it: all that are listed, or the one that is looked at. */
export function plateRows(): number[] {
  if (app.selection.view !== "evolve") return [app.probe];
  return listing.order.slice(0, MOST_TILES);
}

/** Fetch what the plates of some steps are made of. */
export async function fetchPlates(record: RecordSpec, steps: number[]): Promise<void> {
  const rows = plateRows();
  const input = inputOf(record);
  await app.wantColumns(record.key);
  if (input?.kind === "image") await app.inputs.wantPictures(app.run, input.name, rows, PICTURE);
  await app.maps.want("export", { run: app.run, key: record.key }, steps, rows);
  const error = app.maps.errors.export;
  if (error) throw new Error(error);
}

/** The plate of one step; what is not there is said in its tile. */
export function plateAt(record: RecordSpec, step: number): Plate {
  const { scale, range } = app.selection;
  const name = app.manifest?.name || app.run;
  return {
    title: `${fullTitle(record)} at ${stepName(step)}`,
    lines: [
      `run ${name}${record.signed ? " · signed, zero in the middle" : ""} · keras_explain`,
      SCALES[scale],
      `${RANGES[range]} · ${sizeOf(record)}`,
    ],
    tiles: plateRows().flatMap((row) => tilesOf(record, row, step)),
  };
}

function sizeOf(record: RecordSpec): string {
  const { height, width } = planesOf(record.axes, record.shape);
  return `maps of ${height}×${width} values, one square each`;
}

function tilesOf(record: RecordSpec, row: number, step: number): Tile[] {
  const map = app.maps.peek({ run: app.run, key: record.key }, step, row);
  const planes = map && planesOf(map.axes, map.shape);
  const usable = map && map.status !== "missing" && map.status !== "damaged";
  const input = inputOf(record);
  const domain = domainFor(record, row, step) ?? NO_DOMAIN;
  const base = {
    domain,
    colours: coloursOf(record.signed),
    signed: record.signed,
    overlay: overlayOf(),
    picture: input?.kind === "image" ? app.inputs.picture(input.name, row, PICTURE) : undefined,
  };
  const words = wordsOf(row, step);
  if (!map || !planes || !usable) {
    const note = map?.status === "damaged" ? "damaged" : reasonFor(record, step);
    return [{ ...base, title: words.title, note, height: 1, width: 1 }];
  }
  const { height, width, count } = planes;
  const ends = isFlat(domain) ? "flat" : `${digits(domain.lo, 2)} to ${digits(domain.hi, 2)}`;
  return Array.from({ length: Math.min(count, MOST_TILES) }, (_, plane) => ({
    ...base,
    height,
    width,
    values: planeValues(map.values, planes, plane),
    title: count > 1 ? `${planes.axis} ${labelOf(record, planes.axis, plane)}` : words.title,
    note: count > 1 ? `example ${row}` : [words.note, ends].filter(Boolean).join(" · "),
  }));
}

/** The true class stands in the title already. */
function plateWords(verdict: Verdict): string {
  if (verdict.kind !== "class" || verdict.correct !== false) return verdictWords(verdict);
  return `predicted ${verdict.predicted} ${percent(verdict.probability)}`;
}

function wordsOf(row: number, step: number): { title: string; note: string } {
  const verdict = app.first.verdictsAt(app.steps.indexOf(step))[row];
  if (!verdict) return { title: `#${row}`, note: "" };
  const { label } = verdict;
  const title = label === null ? `#${row}` : `#${row} ${label}`;
  return { title, note: plateWords(verdict) };
}
