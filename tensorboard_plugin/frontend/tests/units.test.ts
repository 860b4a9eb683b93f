import { expect, it } from "vitest";
import { compare, differenceUnit, unitText } from "../src/core/units";
import { record } from "./record";

it("a unit is written in words, squares too", () => {
  expect(unitText("score per input unit")).toBe("score units per input unit");
  expect(unitText("score, squared")).toBe("score units, squared");
  expect(unitText("share")).toBe("share");
  expect(unitText("unknown")).toBe("unit not recorded");
});

it("numbers compare where they have one unit, and the run says which", () => {
  const of = (unit: string) => record("a", { unit });
  expect(compare(of("score"), of("score"))).toBe(true);
  expect(compare(of("score"), of("share"))).toBe(false);
  expect(compare(of("unknown"), of("unknown"))).toBe(false);
  expect(compare(of("score"), undefined)).toBe(false);
});

it("a difference has the unit of both, or none that could be named", () => {
  expect(differenceUnit("score", "score")).toBe("score units");
  expect(differenceUnit("score", "share")).toBe("units differ");
  expect(differenceUnit("score", "unknown")).toBe("unit not recorded");
});
