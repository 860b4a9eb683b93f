/** The examples as they are listed now: what the grid shows and the keys go through. */

import { disagreement, listProbes, pathBetween } from "../core/listing";
import { atStep } from "../core/probes";
import { totalOverSteps } from "../core/statistics";
import { steady } from "../core/steady";
import { likenessRecord } from "../core/trust";
import { app } from "./app.svelte";

class Listing {
  /** Place of the step that "flipped" and "newly wrong" look back to: A's, or the one before. */
  readonly since = $derived.by(() => {
    const { a } = app.selection;
    const at = a === null ? -1 : app.steps.indexOf(a);
    return at >= 0 ? at : app.index - 1;
  });
  readonly sinceA = $derived(app.selection.a !== null && app.steps.includes(app.selection.a));
  readonly before = $derived(app.first.verdictsAt(this.since));

  readonly #drift = $derived(app.record && app.columns[app.record.key]);
  /** Drift summed over all steps, one an example. */
  readonly totals = $derived(
    totalOverSteps(this.#drift?.stats.get("drift") ?? [], this.#drift?.rows ?? 0),
  );

  /** How alike several methods' maps are, where the run says so. */
  readonly agreement = $derived(likenessRecord(app.manifest?.records ?? []));

  /** The numbers that are sorted by. */
  readonly values = $derived.by((): ArrayLike<number> | undefined => {
    const { sort } = app.selection;
    const drift = this.#drift?.stats.get("drift") ?? new Float32Array();
    const rows = this.#drift?.rows ?? 0;
    if (sort === "drift") return this.totals;
    if (sort === "drift-now") return drift.subarray(app.index * rows, (app.index + 1) * rows);
    if (sort === "drift-since") return pathBetween(drift, rows, this.since, app.index);
    const said = app.targets ?? undefined;
    if (sort === "loss" || sort === "error") return atStep(said, sort, app.index);
    if (sort === "share") return atStep(said, "right", app.index).map((share) => 1 - share);
    return sort === "disagreement" ? this.#disagreements() : undefined;
  });

  // From step to step mostly the same: nobody is to look through it again.
  readonly #steady = steady<number>();
  readonly order = $derived(
    this.#steady(
      app.manifest
        ? listProbes(
            app.manifest,
            { verdicts: app.verdicts, before: this.before, values: this.values },
            app.selection,
          )
        : [],
    ),
  );

  #disagreements(): Float64Array {
    const { agreement } = this;
    const pairs = (agreement?.labels.metric ?? []).map(String);
    return Float64Array.from({ length: app.probeCount }, (_, probe) => {
      const ask = { run: app.run, key: agreement?.key ?? "" };
      const row = agreement && app.maps.peek(ask, app.step ?? 0, probe);
      return row ? disagreement(row.values, pairs, app.record?.key ?? "") : Number.NaN;
    });
  }

  /** Fetch what the order is made of and the manifest does not have. */
  want(): void {
    if (app.selection.sort !== "disagreement" || !this.agreement || app.step === undefined) return;
    const ask = { run: app.run, key: this.agreement.key };
    const rows = Array.from({ length: app.probeCount }, (_, probe) => probe);
    void app.maps.want("agreement", ask, [app.step], rows);
  }

  /** The example after or before the current one, as they are listed. */
  next(by: number): number {
    const at = this.order.indexOf(app.probe);
    if (at < 0) return this.order[0] ?? app.probe;
    return this.order[Math.min(this.order.length - 1, Math.max(0, at + by))];
  }
}

export const listing = new Listing();
