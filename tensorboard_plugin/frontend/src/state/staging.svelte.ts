/** One example's maps of both sides, ready to be drawn and subtracted. */

import { areaMean, factorsOf } from "../core/blocks";
import { stepName } from "../core/format";
import { fullTitle } from "../core/records";
import { type Side, sideOf } from "../core/stage";
import type { MapRow } from "../core/types";
import { UNKNOWN } from "../core/units";
import { app } from "./app.svelte";
import { coloursOf, domainFor, inputOf, reasonFor } from "./painting.svelte";
import { type PairSide, sides } from "./sides.svelte";

/** Lanes in which the maps of the sides are asked for. */
export const SIDE_LANES = { A: "pair/A", B: "pair/B" };

const askOf = ({ looked, record }: PairSide) => ({ run: looked.run, key: record?.key ?? "" });

export function wantMaps(probes: number[]): void {
  for (const side of [sides.a, sides.b])
    if (side.record && side.step !== undefined)
      void app.maps.want(SIDE_LANES[side.tag], askOf(side), [side.step], probes);
}

export function wantSideColumns(): void {
  for (const { looked, record } of [sides.a, sides.b])
    if (record) void looked.wantColumns(record.key);
}

/** What a side is called: what it shares with the other is left out. */
export function titleOfSide({ looked, record, step }: PairSide): string {
  const parts = [
    sides.runsDiffer ? (looked.manifest?.name ?? "") : "",
    sides.methodsDiffer && record ? fullTitle(record) : "",
    stepName(step),
  ];
  return parts.filter(Boolean).join(", ");
}

function mapOf(side: PairSide, probe: number): MapRow | undefined {
  return side.record && side.step !== undefined
    ? app.maps.peek(askOf(side), side.step, probe)
    : undefined;
}

/** The mean of the blocks of a map that lie in one value of a coarser one. */
function onGridOf(map: MapRow, coarser: MapRow | undefined): { map: MapRow; note: string } {
  const factors =
    coarser?.axes.join() === map.axes.join() ? factorsOf(map.shape, coarser.shape) : undefined;
  if (!factors || map.values.length === 0 || factors.every((factor) => factor === 1))
    return { map, note: "" };
  const { shape, values } = areaMean(map.values, map.shape, factors);
  return {
    map: { ...map, shape, values },
    note: `${map.shape.join("×")} averaged to ${shape.join("×")}`,
  };
}

function stageSide(side: PairSide, other: PairSide, probe: number, size: number): Side {
  const { looked, record, step, tag } = side;
  const input = inputOf(record);
  const title = titleOfSide(side);
  const map = mapOf(side, probe);
  const fitted = map && onGridOf(map, mapOf(other, probe));
  const signed = record?.signed ?? false;
  return sideOf({
    title,
    note: fitted?.note,
    name: `${record ? fullTitle(record) : tag} of example ${probe}, ${title}`,
    key: record?.key ?? "",
    map: fitted?.map,
    domain: record && step !== undefined ? domainFor(record, probe, step, looked) : undefined,
    signed,
    unit: record?.unit ?? UNKNOWN,
    colours: coloursOf(signed),
    picture: input?.kind === "image" ? app.inputs.picture(input.name, probe, size) : undefined,
    reason: record && step !== undefined ? reasonFor(record, step, looked) : "",
  });
}

/** A and B of an example, on one grid. */
export function stagedSides(probe: number, size: number): { a: Side; b: Side } {
  const { a, b } = sides;
  return { a: stageSide(a, b, probe, size), b: stageSide(b, a, probe, size) };
}
