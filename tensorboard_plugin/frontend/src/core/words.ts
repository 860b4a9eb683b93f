/** Words of several tokens: which they are, and their numbers' sums. */

import type { Raw } from "./entries";
import type { InputSpec } from "./types";

export interface Word {
  /** The tokens from the first to before the last. */
  from: number;
  to: number;
  text: string;
}

/** Whether an input's tokens are parts of words. */
export function hasWords(input: InputSpec | undefined): boolean {
  return Boolean(input?.starts?.some((text) => text.includes("0")));
}

/** The words of an example's tokens, which are called `names`; nothing where they are words. */
export function wordsOf(
  input: InputSpec | undefined,
  probe: number,
  raw: Raw | undefined,
  names: string[],
): Word[] | undefined {
  const starts = input?.starts?.[probe];
  if (!raw || starts?.length !== names.length || raw.values.length !== names.length)
    return undefined;
  const places = names.flatMap((_, i) => (i === 0 || starts[i] === "1" ? i : []));
  return places.map((from, i) => {
    const to = places[i + 1] ?? names.length;
    const ids = Array.from(raw.values).slice(from, to).join(" ");
    return { from, to, text: input?.joined?.[ids] ?? names.slice(from, to).join("") };
  });
}

/** Each word's sum over its tokens. */
export function sumsOf(values: ArrayLike<number>, words: Word[]): Float32Array {
  return Float32Array.from(words, ({ from, to }) => {
    let sum = 0;
    for (let i = from; i < to; i++) sum += values[i];
    return sum;
  });
}
