import { describe, expect, it } from "vitest";
import { MOST_DRAWN, type OptionGroup, optionsNear } from "../src/core/picker";

const group = (method: string, count: number): OptionGroup => ({
  method,
  title: method,
  options: Array.from({ length: count }, (_, i) => ({ key: `${method}${i}`, text: "", size: "" })),
});
const keysOf = (groups: OptionGroup[]) =>
  groups.flatMap(({ options }) => options.map(({ key }) => key));

describe("the options that are drawn", () => {
  const groups = [group("a", 3), group("b", 1000), group("c", 2)];
  const all = keysOf(groups);

  it("are all of a short list", () => {
    const short = [group("a", 3), group("c", 2)];
    expect(optionsNear(short, 4)).toEqual({ groups: short, before: 0, after: 0 });
    expect(optionsNear([], 0)).toEqual({ groups: [], before: 0, after: 0 });
  });

  it("hold the active one wherever it is, in order, and no more than the bound", () => {
    for (let at = 0; at < all.length; at++) {
      const { groups: near, before, after } = optionsNear(groups, at);
      const keys = keysOf(near);
      expect(keys).toContain(all[at]);
      expect(keys.length).toBeLessThanOrEqual(MOST_DRAWN);
      expect(keys).toEqual(all.slice(before, all.length - after));
    }
  });

  it("stay as they are for small moves, and show what comes next", () => {
    expect(optionsNear(groups, 101)).toEqual(optionsNear(groups, 140));
    expect(optionsNear(groups, 149).after).toBeLessThan(optionsNear(groups, 99).after);
    expect(optionsNear(groups, all.length - 1).after).toBe(0);
    expect(optionsNear(groups, 0).before).toBe(0);
  });
});
