/** From the selection to what a map is painted with. */

import { lengthOf } from "../core/axes";
import { type BarScale, linearScale, logScale, logSpan } from "../core/bars";
import { type Bend, EVEN } from "../core/bend";
import { colourTable, type TableName, tableFor } from "../core/colours";
import { domainOf, fixedDomain } from "../core/domain";
import type { Overlay } from "../core/overlay";
import type { Domain } from "../core/paint";
import type { InputSpec, RecordSpec } from "../core/types";
import { app } from "./app.svelte";
import type { LookedRun } from "./looked-run.svelte";

export const NO_DOMAIN: Domain = { lo: 0, hi: 0 };

export function coloursOf(signed: boolean): TableName {
  // By name: to spread the selection would make every map wait for all of it.
  const { sequential, diverging, reversed } = app.selection;
  return tableFor(signed, { sequential, diverging, reversed, bend: bendOf() }, app.dark);
}

function bendOf(): Bend {
  const { curve, gamma } = app.selection;
  if (curve === "symlog") return "symlog";
  return curve === "gamma" ? gamma : EVEN;
}

/** How maps lie over their pictures, as the user chose it. */
export function overlayOf(): Overlay {
  const { overlay, opacity, follows, outline } = app.selection;
  return { mode: overlay, opacity, follows, outline };
}

/** The colour scale of one row at one step, as the user chose it. */
export function domainFor(
  record: RecordSpec,
  row: number,
  step: number,
  looked: LookedRun = app.first,
): Domain | undefined {
  const { scale, range, low, high } = app.selection;
  // Ends that were typed in are in the units of one record.
  if (scale === "fixed" && record.key === app.record?.key && low !== null && high !== null) {
    const fixed = fixedDomain(low, high, record.signed);
    if (fixed) return fixed;
  }
  const columns = looked.columns[record.key];
  if (!columns) return undefined;
  return domainOf({ columns, signed: record.signed, scale, range, row, step });
}

/** Colours of bars below and above zero: of the same table as the maps'. */
export function fillsOf(signed: boolean): { less: string; more: string } {
  if (!signed) return { less: "var(--accent)", more: "var(--accent)" };
  const table = colourTable(coloursOf(true));
  const at = (index: number) => `rgb(${table.slice(index * 4, index * 4 + 3).join(" ")})`;
  return { less: at(36), more: at(219) };
}

/** The scale of a row's bars at one step, as the user chose it. */
export function barScaleOf(record: RecordSpec, row: number, step: number): BarScale | undefined {
  const span = logSpan(record, app.columns[record.key]);
  const chosen = app.selection.barScale ?? (span?.suits ? "log" : "linear");
  if (span && chosen === "log") return logScale(span.least, span.most);
  const domain = domainFor(record, row, step);
  return domain && linearScale(domain, record.signed);
}

/** What a map of the numbers on such a scale is coloured by. */
export function domainOfScale({ lo, hi, logarithmic }: BarScale): Domain {
  return logarithmic ? { lo: Math.log10(lo), hi: Math.log10(hi) } : { lo, hi };
}

/** The input by whose picture a person knows an example. */
export function pictureInput(): InputSpec | undefined {
  return app.manifest?.probes.inputs.find(({ kind }) => kind === "image");
}

/** The input whose tokens a record speaks of: its own, or the one of as many tokens. */
export function tokensOf(record: RecordSpec): InputSpec | undefined {
  const own = inputOf(record);
  if (own) return own;
  const length = lengthOf("queries", record.axes, record.shape);
  return app.manifest?.probes.inputs.find(
    ({ kind, shape }) => kind === "tokens" && shape?.length === 1 && shape[0] === length,
  );
}

/** The input that a record's maps lie on, where they lie on one. */
export function inputOf(record: RecordSpec | undefined): InputSpec | undefined {
  return app.manifest?.probes.inputs.find(({ name }) => name === record?.input);
}

/** Why a map is missing: what the callback wrote down about this method and step. */
export function reasonFor(record: RecordSpec, step: number, looked: LookedRun = app.first): string {
  const failures = looked.manifest?.failures ?? [];
  const mine = failures.find(
    (failure) =>
      failure.step === step &&
      (failure.source.includes(record.key) || failure.source.includes(record.method)),
  );
  return mine ? mine.error : "not recorded at this step";
}
