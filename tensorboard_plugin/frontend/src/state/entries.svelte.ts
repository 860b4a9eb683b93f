/** What a row along one axis is shown as: its entries, or the words that its tokens make up. */

import { entryNames, type Raw } from "../core/entries";
import { shownAxes, shownShape } from "../core/forms";
import type { InputSpec, RecordSpec } from "../core/types";
import { sumsOf, wordsOf } from "../core/words";
import { app } from "./app.svelte";

export interface Entries {
  names: string[];
  /** The numbers of the entries, from those that are kept. */
  of(values: Float32Array): Float32Array;
  /** Whether each is a word, with the sum of its tokens. */
  areWords: boolean;
}

export function entriesOf(
  record: RecordSpec,
  input: InputSpec | undefined,
  raw: Raw | undefined,
  probe: number,
): Entries {
  const names = entryNames(record, shownAxes(record)[0], shownShape(record)[0], input, raw);
  const words = app.selection.tokens === "words" ? wordsOf(input, probe, raw, names) : undefined;
  if (!words) return { names, of: (values) => values, areWords: false };
  return {
    names: words.map(({ text }) => text),
    of: (values) => sumsOf(values, words),
    areWords: true,
  };
}
