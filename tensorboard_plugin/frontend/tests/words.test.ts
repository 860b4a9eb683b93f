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
