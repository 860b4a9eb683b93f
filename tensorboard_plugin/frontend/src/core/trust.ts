/** What a run's figures say of how far a map can be trusted. */

import { figureNames } from "./figures";
import { gapRecord } from "./gap";
import { titleOf } from "./records";
import type { RecordSpec } from "./types";

/** One figure about a record's maps. */
export interface TrustFigure {
  /** The record that holds it, and which of its numbers it is. */
  key: string;
  figure: number;
  name: string;
  says: string;
  /** Which way is good; null where neither is. */
  better: "higher" | "lower" | null;
}

type Meaning = Pick<TrustFigure, "says" | "better">;

/** By metric of `Quality`. */
const MEANINGS: Record<string, Meaning> = {
  deletion: { says: "mean score while the highest places are removed first", better: "lower" },
  insertion: { says: "mean score while the highest places come in first", better: "higher" },
  faithfulness: {
    says: "correlation of what the map foretells with what removing places does",
    better: "higher",
  },
  infidelity: {
    says: "mean square of the foretold drop of the score less the real one",
    better: "lower",
  },
  scaled_infidelity: {
    says: "infidelity on the scale that suits the map best",
    better: "lower",
  },
  max_sensitivity: {
    says: "largest change of the map under small noise, as a share of its norm",
    better: "lower",
  },
  sparseness: { says: "Gini index: 0 spread out, 1 all in one place", better: null },
  complexity: { says: "entropy of the map in nats: few places have a low one", better: "lower" },
  randomisation: {
    says: "rank correlation with the untrained network's map: near 1 shows nothing learned",
    better: "lower",
  },
  pointing_game: {
    says: "whether the highest place lies in the example's region",
    better: "higher",
  },
  region_share: { says: "share of the positive mass in the example's region", better: "higher" },
};
const UNKNOWN: Meaning = { says: "", better: null };

function qualityOf(record: RecordSpec, all: RecordSpec[]): TrustFigure[] {
  const own = all.find(({ key }) => key === `quality/${record.key}`);
  if (!own) return [];
  return figureNames(own, all).map((name, figure) => ({
    key: own.key,
    figure,
    name: name === "region share" ? "mass in region" : name,
    ...(MEANINGS[name.replaceAll(" ", "_")] ?? UNKNOWN),
  }));
}

const pairOf = (label: string | number) => String(label).split(" ~ ");

/** The record of how alike other records' maps are: each of its numbers is named by two of them. */
export function likenessRecord(all: RecordSpec[]): RecordSpec | undefined {
  const known = new Set(all.map(({ key }) => key));
  const isPair = (keys: string[]) => keys.length === 2 && keys.some((key) => known.has(key));
  return all.find(({ form, rows, labels }) => {
    const names = Object.values(labels)[0] ?? [];
    const isOfExamples = form === "numbers" && rows === null;
    return isOfExamples && names.length > 0 && names.map(pairOf).every(isPair);
  });
}

/** The other record of each pair that holds this one. */
function agreementOf(record: RecordSpec, all: RecordSpec[]): TrustFigure[] {
  const own = likenessRecord(all);
  return (own?.labels.metric ?? []).flatMap((label, figure) => {
    const pair = pairOf(label);
    if (pair.length !== 2 || !pair.includes(record.key)) return [];
    const other = pair[pair[0] === record.key ? 1 : 0];
    const spec = all.find(({ key }) => key === other);
    return {
      key: own?.key ?? "",
      figure,
      name: `like ${spec ? titleOf(spec) : other}`,
      says: `${own?.options.similarity ?? "likeness"} of this map and ${other}'s: methods that agree say more`,
      better: "higher" as const,
    };
  });
}

/** What was logged about a record's maps, in the order in which it is shown. */
export function trustOf(record: RecordSpec, all: RecordSpec[]): TrustFigure[] {
  const gap = gapRecord(all, record.method);
  const sums: TrustFigure = {
    key: gap?.key ?? "",
    figure: 0,
    name: "completeness gap",
    says: "share of the score's change that the map's numbers do not sum to",
    better: "lower",
  };
  return [...qualityOf(record, all), ...agreementOf(record, all), ...(gap ? [sums] : [])];
}
