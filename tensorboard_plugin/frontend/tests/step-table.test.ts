import { describe, expect, it } from "vitest";
import { filled, laidOut, PART, partsToCome, type StepTable } from "../src/core/step-table";
import type { Bundle } from "../src/core/wire";

const NONE = Number.NaN;
const stampsOf = (steps: number[], attempt = 0) => steps.map((step) => `${step}.${attempt}`);

/** A reply in which each figure is its step, by a tenth more in the second row. */
function reply(steps: number[], rows = 2): Bundle {
  const cells = steps.flatMap((step) => Array.from({ length: rows }, (_, row) => step + row / 10));
  const shape = [steps.length, rows];
  return {
    header: { steps },
    arrays: new Map([
      ["max", { name: "max", shape, values: Float32Array.from(cells) }],
      ["class", { name: "class", shape, values: Int32Array.from(cells) }],
    ]),
  };
}

function of(table: StepTable, name = "max"): number[] {
  return [...(table.arrays.get(name) ?? [])].map((value) => Math.round(value * 10) / 10);
}

describe("a table of figures by step", () => {
  const steps = [0, 1, 2];
  const empty = laidOut(undefined, steps, stampsOf(steps));

  it("fills as replies come, in any order; the rest is not known", () => {
    const one = filled(empty, reply([2]), [2], stampsOf(steps));
    expect(of(one)).toEqual([NONE, NONE, NONE, NONE, 2, 2.1]);
    expect(of(one, "class")).toEqual([-1, -1, -1, -1, 2, 2]);
    const all = filled(one, reply([1, 0]), [1, 0], stampsOf(steps));
    expect(of(all)).toEqual([0, 0.1, 1, 1.1, 2, 2.1]);
    expect(partsToCome(all, [0])).toEqual([]);
  });

  it("keeps what it has while the run grows, and asks for the rest", () => {
    const two = filled(empty, reply([0, 1, 2]), [0, 1, 2], stampsOf(steps));
    const longer = laidOut(two, [0, 1, 2, 5], stampsOf([0, 1, 2, 5]));
    expect(of(longer)).toEqual([0, 0.1, 1, 1.1, 2, 2.1, NONE, NONE]);
    expect(partsToCome(longer, [0])).toEqual([[3]]);
  });

  it("asks again for a step that was written anew, wherever it stands", () => {
    const before = filled(empty, reply(steps), [0, 1, 2], stampsOf(steps));
    const again = laidOut(before, [0, 1], ["0.0", "1.1"]);
    expect(of(again)).toEqual([0, 0.1, NONE, NONE]);
    expect(partsToCome(again, [0])).toEqual([[1]]);
  });

  it("begins anew where the rows are others", () => {
    const before = filled(empty, reply([0, 1]), [0, 1], stampsOf(steps));
    const other = filled(before, reply([2], 1), [2], stampsOf(steps));
    expect(of(other)).toEqual([NONE, NONE, 2]);
    expect(partsToCome(other, [0]).flat().sort()).toEqual([0, 1]);
  });

  it("asks for parts that are spread over a long run, what is looked at first", () => {
    const many = Array.from({ length: 4 * PART - 3 }, (_, step) => step);
    const parts = partsToCome(laidOut(undefined, many, stampsOf(many)), [6, 700]);
    expect(parts).toHaveLength(7);
    expect(parts.flat().toSorted((a, b) => a - b)).toEqual(many);
    expect(parts[0].length).toBeLessThan(PART / 4 + 3);
    expect(parts[0]).toContain(6);
    expect(parts[0]).toContain(700);
    expect(parts[0]).toContain(many.length - 1);
    const first = parts[0].toSorted((a, b) => a - b);
    expect(Math.max(...first.map((place, i) => place - (first[i - 1] ?? 0)))).toBe(16);
  });
});
