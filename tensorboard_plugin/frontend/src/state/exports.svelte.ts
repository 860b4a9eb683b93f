/** What can be taken away from the view in front. */

import { isAbort } from "../core/api";
import { plural, stepName } from "../core/format";
import { chooseFrames } from "../core/frames";
import { currentLink } from "../core/host";
import { fullTitle } from "../core/records";
import { explainedWords } from "../core/task";
import type { RecordSpec } from "../core/types";
import { download } from "../export/download";
import { drawPlate, INKS } from "../export/draw";
import { type Draw, type FilmOptions, timeOf } from "../export/film";
import { gifOf } from "../export/gif";
import { fileName } from "../export/plate";
import { reportPage, stillOf, stylesOf } from "../export/report";
import { webmOf, webmType } from "../export/webm";
import { app } from "./app.svelte";
import { fetchPlates, plateAt, plateRecord, plateRows } from "./plates";

export interface Offer {
  id: "png" | "gif" | "webm" | "html" | "npz" | "csv";
  name: string;
  says: string;
  /** Why it cannot be had here. */
  why?: string;
  make: () => void;
}

/** Widths of a tile: one alone is looked at closely. */
const CELLS = { one: 420, many: 150 };
const MOST_FRAMES = 60;
/** By ending, what films are packed by. */
const FILMS = {
  gif: async (count: number, draw: Draw, options: FilmOptions) =>
    (await gifOf(count, draw, options)).slice().buffer,
  webm: webmOf,
};

class Exporting {
  progress = $state<{ name: string; share: number } | null>(null);
  error = $state<string | null>(null);
  #work = new AbortController();

  readonly offers = $derived.by((): Offer[] => {
    const record = plateRecord();
    const shown = app.chosen;
    const maps = record && app.step !== undefined;
    const many =
      record && plateRows().length > 1 ? plural(plateRows().length, "example") : "this example";
    const noMaps = maps ? undefined : "this view shows no maps";
    const noFilm = noMaps ?? (app.steps.length < 2 ? "there is one step only" : undefined);
    const webm: Offer = {
      id: "webm",
      name: "Film (WebM)",
      says: maps ? `the same, smaller, recorded while it plays: ${filmSeconds()} s` : "",
      why: noFilm,
      make: () => record && void this.#do("Film", () => this.#film(record, "webm")),
    };
    return [
      {
        id: "png",
        name: "Picture (PNG)",
        says: maps ? `${many} at ${stepName(app.step)}, with scale and captions` : "",
        why: noMaps,
        make: () => record && void this.#do("Picture", () => this.#png(record)),
      },
      {
        id: "gif",
        name: "Film (GIF)",
        says: maps ? `${many} over ${filmSays()}` : "",
        why: noFilm,
        make: () => record && void this.#do("Film", () => this.#film(record, "gif")),
      },
      ...(webmType() ? [webm] : []),
      {
        id: "html",
        name: "Report (HTML)",
        says: "this view as it stands, in one file that needs no network",
        make: () => void this.#do("Report", async () => this.#html()),
      },
      {
        id: "npz",
        name: "Numbers (NPZ)",
        says: shown ? `${fullTitle(shown)}, raw float32, every step, for numpy.load` : "",
        why: shown ? undefined : "no record is looked at",
        make: () => shown && void this.#do("Numbers", () => this.#file(shown, "npz")),
      },
      {
        id: "csv",
        name: "Table (CSV)",
        says: shown ? `figures of ${fullTitle(shown)}, one line a step and example` : "",
        why: shown ? undefined : "no record is looked at",
        make: () => shown && void this.#do("Table", () => this.#file(shown, "csv")),
      },
    ];
  });

  stop(): void {
    this.#work.abort();
  }

  async #do(name: string, make: () => Promise<void>): Promise<void> {
    this.#work = new AbortController();
    this.progress = { name, share: 0 };
    this.error = null;
    try {
      await make();
    } catch (error) {
      if (!isAbort(error)) this.error = error instanceof Error ? error.message : String(error);
    }
    this.progress = null;
  }

  async #png(record: RecordSpec): Promise<void> {
    const { step } = app;
    if (step === undefined) return;
    await fetchPlates(record, [step]);
    const plate = plateAt(record, step);
    const canvas = drawPlate(plate, cellOf(plate.tiles.length), INKS[app.theme]);
    const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/png"));
    if (!blob) throw new Error("This browser did not make a picture of it.");
    download(blob, "image/png", fileName([app.run, record.key, stepName(step)], "png"));
  }

  async #film(record: RecordSpec, ending: keyof typeof FILMS): Promise<void> {
    const steps = filmSteps();
    await fetchPlates(record, steps);
    const cell = cellOf(plateAt(record, steps[0]).tiles.length);
    const content = await FILMS[ending](
      steps.length,
      (frame) => drawPlate(plateAt(record, steps[frame]), cell, INKS[app.theme]),
      {
        delay: 1000 / app.speed,
        signal: this.#work.signal,
        onprogress: (share) => {
          this.progress = { name: "Film", share };
        },
      },
    );
    const ends = [steps[0], steps.at(-1) ?? 0].map(stepName);
    const type = ending === "gif" ? "image/gif" : "video/webm";
    download(content, type, fileName([app.run, record.key, ...ends], ending));
  }

  #html(): void {
    const main = document.querySelector("main");
    if (!main || !app.manifest) return;
    const title = `${app.chosen ? fullTitle(app.chosen) : "Explain"}, ${stepName(app.step)}`;
    const page = reportPage({
      title,
      facts: [
        ["run", app.manifest.name || app.run],
        ["step", stepName(app.step)],
        ["explained", explainedWords(app.manifest)],
        ["made", new Date().toISOString().slice(0, 16).replace("T", " ")],
        ["to see it live", currentLink()],
      ],
      theme: app.theme,
      styles: stylesOf(document),
      body: stillOf(main),
    });
    download(
      page,
      "text/html",
      fileName([app.run, app.selection.view, stepName(app.step)], "html"),
    );
  }

  /** Fetched, not followed: a download that the server refuses could not say why. */
  async #file(record: RecordSpec, format: "npz" | "csv"): Promise<void> {
    const query = { run: app.run, key: record.key, format };
    const content = await app.api.bytes("export", query, this.#work.signal);
    download(content, "application/octet-stream", fileName([app.run, record.key], format));
  }
}

function cellOf(tiles: number): number {
  return tiles === 1 ? CELLS.one : CELLS.many;
}

/** From A to B where both are set, else all; where there are too many, evenly spread. */
function filmSteps(): number[] {
  const { a, b } = app.selection;
  const [from, to] =
    a !== null && b !== null ? [Math.min(a, b), Math.max(a, b)] : [-2, Number.POSITIVE_INFINITY];
  const steps = app.steps.filter((step) => step >= from && step <= to);
  return chooseFrames(steps.length, MOST_FRAMES, []).map(({ index }) => steps[index]);
}

function filmSeconds(): number {
  const count = filmSteps().length;
  const delay = 1000 / app.speed;
  return Math.round(((count - 1) * delay + timeOf(count - 1, count, delay)) / 1000);
}

function filmSays(): string {
  const steps = filmSteps();
  const ends = `${stepName(steps[0])} to ${stepName(steps.at(-1))}`;
  return `${plural(steps.length, "step")}, ${ends}`;
}

export const exporting = new Exporting();
