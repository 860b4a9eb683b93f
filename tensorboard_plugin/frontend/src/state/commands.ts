/** What keys and buttons do. */

import { nearest } from "../core/axis";
import { DIVERGING, SEQUENTIAL } from "../core/colours";
import { RANGES, SCALES } from "../core/domain";
import type { CommandId } from "../core/keyboard";
import { OVERLAYS } from "../core/overlay";
import { follow, seek, toggle } from "../core/player";
import { groupByMethod } from "../core/records";
import { MODES } from "../core/stage";
import type { ViewState } from "../core/view-state";
import { boxOf, boxText, pictureAt, zoomAt } from "../core/zoom";
import { app } from "./app.svelte";
import { listing } from "./listing.svelte";
import { domainFor } from "./painting.svelte";
import { sides, swapSides } from "./sides.svelte";

function after<Value>(values: readonly Value[], value: Value, by = 1): Value {
  const at = values.indexOf(value);
  return values[(at + by + values.length) % values.length];
}

export function seekBy(by: number): void {
  app.apply(seek(app.head, app.index + by));
}

export function seekStep(step: number): void {
  const index = app.steps.indexOf(step);
  if (index >= 0) app.apply(seek(app.head, index));
}

/** Go to the logged step that is nearest to a number; return it. */
export function goToStep(wanted: number): number | undefined {
  const at = nearest(app.steps, wanted);
  app.apply(seek(app.head, at));
  return app.steps[at];
}

/** A flag that is dragged, or moved by keys, to a logged step. */
export function moveFlag(flag: "a" | "b", index: number | null): void {
  const { steps } = app;
  app.selection[flag] =
    index === null ? null : (steps[Math.min(steps.length - 1, Math.max(0, index))] ?? null);
}

export function setFlag(flag: "a" | "b", step: number | undefined): void {
  const { selection } = app;
  selection[flag] = step === undefined || selection[flag] === step ? null : step;
}

export function swapFlags(): void {
  const { selection } = app;
  const a = selection.a ?? app.steps[0] ?? null;
  selection.a = selection.b ?? app.step ?? null;
  selection.b = a;
}

export function openProbe(probe: number): void {
  app.selection.probe = probe;
  app.selection.view = "detail";
}

export function openPair(probe: number): void {
  app.selection.probe = probe;
  app.selection.view = "pair";
}

function isComparing(): boolean {
  return ["compare", "pair"].includes(app.selection.view);
}

/** The next example; in a comparison the one that differs next. */
function nextProbe(by: number): void {
  if (!isComparing()) {
    app.selection.probe = listing.next(by);
    return;
  }
  const { order } = sides;
  const next = Math.min(Math.max(0, order.indexOf(app.probe) + by), order.length - 1);
  app.selection.probe = order[next] ?? app.probe;
}

/** Keep an example first, or let it go. */
export function pin(probe: number): void {
  const { selection } = app;
  selection.pinned = selection.pinned.includes(probe)
    ? selection.pinned.filter((each) => each !== probe)
    : [...selection.pinned, probe];
}

function nextMethod(by: number): void {
  const groups = groupByMethod(app.records);
  const at = groups.findIndex((group) => group.method === app.record?.method);
  if (groups.length === 0) return;
  app.selection.record = after(groups, groups[at], by).records[0].key;
}

function nextLayer(by: number): void {
  if (app.selection.view === "layers") {
    if (app.layer) app.selection.layer = after(app.layers, app.layer, by).key;
    app.selection.channel = null;
    return;
  }
  const { record } = app;
  if (!record) return;
  const same = app.records.filter(({ method }) => method === record.method);
  app.selection.record = after(same, record, by).key;
}

function nextColours(): void {
  const { selection, record } = app;
  if (record?.signed) selection.diverging = after(DIVERGING, selection.diverging);
  else selection.sequential = after(SEQUENTIAL, selection.sequential);
}

function zoomBy(factor: number): void {
  const box = boxOf(app.selection.zoom);
  const middle = pictureAt(box, { x: 0.5, y: 0.5 });
  app.selection.zoom = boxText(zoomAt(box, middle, factor));
}

/** A scale that is to be fixed begins as the one in front. */
export function changePicture(change: Partial<ViewState>): void {
  const { selection, record, step } = app;
  if (change.scale === "fixed" && selection.scale !== "fixed" && record && step !== undefined) {
    const domain = domainFor(record, app.probe, step);
    const round = (value: number) => Number(value.toPrecision(3));
    if (domain) Object.assign(selection, { low: round(domain.lo), high: round(domain.hi) });
  }
  Object.assign(selection, change);
}

/** Clip at wider or narrower percentiles, as far as there are some. */
function clip(by: number): void {
  const at = RANGES.indexOf(app.selection.range) + by;
  app.selection.range = RANGES[Math.min(RANGES.length - 1, Math.max(0, at))];
}

function show(view: ViewState["view"]): void {
  app.selection.view = view;
}

/** Run a command of the keyboard table; `back`, `copy` and `help` belong to the shell. */
export function run(command: CommandId, shifted: boolean): void {
  const { selection } = app;
  const by = shifted ? -1 : 1;
  const actions: Partial<Record<CommandId, () => void>> = {
    previous: () => seekBy(shifted ? -10 : -1),
    next: () => seekBy(shifted ? 10 : 1),
    first: () => app.apply(seek(app.head, 0)),
    last: () => app.apply(seek(app.head, app.steps.length - 1)),
    play: () => app.apply(toggle(app.head, app.loop)),
    follow: () => app.apply(follow(app.head)),
    setA: () => setFlag("a", app.step),
    setB: () => setFlag("b", app.step),
    swap: isComparing() ? swapSides : swapFlags,
    nextProbe: () => nextProbe(1),
    previousProbe: () => nextProbe(-1),
    pin: () => pin(app.probe),
    method: () => nextMethod(by),
    layer: () => nextLayer(by),
    colours: nextColours,
    scale: () => changePicture({ scale: after(SCALES, selection.scale, by) }),
    clipLess: () => clip(-1),
    clipMore: () => clip(1),
    overlay: () => {
      selection.overlay = after(OVERLAYS, selection.overlay, by);
    },
    mode: () => {
      selection.mode = after(MODES, selection.mode, by);
    },
    peek: () => {
      app.peeking = true;
    },
    zoomIn: () => zoomBy(1.25),
    zoomOut: () => zoomBy(1 / 1.25),
    zoomReset: () => {
      selection.zoom = "";
    },
    view1: () => show("evolve"),
    view2: () => show("compare"),
    view3: () => show("layers"),
    view4: () => show("gradients"),
    health: () => show("health"),
  };
  actions[command]?.();
}
