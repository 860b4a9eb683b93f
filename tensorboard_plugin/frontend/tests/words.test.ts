import { describe, expect, it } from "vitest";
import type { InputSpec } from "../src/core/types";
import { hasWords, sumsOf, wordsOf } from "../src/core/words";

const input: InputSpec = {
  name: "text",
  axes: ["feature"],
  kind: "tokens",
  starts: ["1001", "1111"],
  joined: { "7 8 9": "playing" },
};
const raw = { shape: [4], values: [7, 8, 9, 2] };
const names = ["play", "##i", "##ng", "now"];

describe("words of several tokens", () => {
  it("are read as the run says, and sum their tokens", () => {
    const words = wordsOf(input, 0, raw, names) ?? [];
    expect(words.map(({ text }) => text)).toEqual(["playing", "now"]);
    expect([...sumsOf([1, 0.5, -2, 3], words)]).toEqual([-0.5, 3]);
    expect([...sumsOf([1, Number.NaN, -2, 3], words)]).toEqual([Number.NaN, 3]);
  });
  it("are each example's own, from where one begins to before the next", () => {
    const starts = ["1111", "10110", "0100"];
    const five = { shape: [5], values: [1, 2, 3, 4, 5] };
    const joined = { "1 2": "one two", "4 5": "four five", "3 4": "wrong", "2 3": "wrong" };
    const words = wordsOf({ ...input, starts, joined }, 1, five, ["a", "b", "c", "d", "e"]) ?? [];
    expect(words).toEqual([
      { from: 0, to: 2, text: "one two" },
      { from: 2, to: 3, text: "c" },
      { from: 3, to: 5, text: "four five" },
    ]);
    expect([...sumsOf([1, 10, 100, 1000, 10000], words)]).toEqual([11, 100, 11000]);
    // What lies before the first beginning is a word, too: nothing is left out of the sum.
    const all = wordsOf({ ...input, starts }, 2, raw, names) ?? [];
    expect(all.map(({ from, to }) => [from, to])).toEqual([
      [0, 1],
      [1, 4],
    ]);
  });
  it("that the run does not read are their tokens' names", () => {
    const words = wordsOf({ ...input, joined: undefined }, 0, raw, names) ?? [];
    expect(words[0]).toEqual({ from: 0, to: 3, text: "play##i##ng" });
  });
  it("are none where the run says none, or not for as many tokens", () => {
    expect(wordsOf(input, 2, raw, names)).toBeUndefined();
    expect(wordsOf({ ...input, starts: ["10"] }, 0, raw, names)).toBeUndefined();
    expect(wordsOf(input, 0, undefined, names)).toBeUndefined();
    expect(hasWords(input)).toBe(true);
    expect(hasWords({ ...input, starts: ["11"] })).toBe(false);
    expect(hasWords(undefined)).toBe(false);
  });
});
