/** From the selection to what a map is painted with. */

import { type TableName, tableFor } from "../core/colours";
import { domainOf } from "../core/domain";
import type { Domain } from "../core/paint";
import type { InputSpec, RecordSpec } from "../core/types";
import { app } from "./app.svelte";

export const NO_DOMAIN: Domain = { lo: 0, hi: 0 };

export function coloursOf(signed: boolean): TableName {
  return tableFor(signed, app.selection, app.dark);
}

/** The colour scale of one row at one step, as the user chose it. */
export function domainFor(record: RecordSpec, row: number, step: number): Domain | undefined {
  const columns = app.columns[record.key];
  if (!columns) return undefined;
  const { scale, range } = app.selection;
  return domainOf({ columns, signed: record.signed, scale, range, row, step });
}

/** The input that a record's maps lie on, where they lie on one. */
export function inputOf(record: RecordSpec | undefined): InputSpec | undefined {
  return app.manifest?.probes.inputs.find(({ name }) => name === record?.input);
}

/** Why a map is missing: what the callback wrote down about this method and step. */
export function reasonFor(record: RecordSpec, step: number): string {
  const failures = app.manifest?.failures ?? [];
  const mine = failures.find(
    (failure) =>
      failure.step === step &&
      (failure.source.includes(record.key) || failure.source.includes(record.method)),
  );
  return mine ? mine.error : "not recorded at this step";
}
