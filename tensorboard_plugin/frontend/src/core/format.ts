/** Numbers and steps in words. */

const MINUS = "−";

/** Four significant digits; a true minus sign; powers of ten for the very large and small. */
export function digits(value: number | null | undefined, significant = 4): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : `${MINUS}∞`;
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text =
    size >= 1e5 || size < 1e-3
      ? size
          .toExponential(significant - 1)
          .replace(/e\+?(-?)(\d+)$/, (_all, sign, power) => `e${sign ? MINUS : ""}${power}`)
      : size.toPrecision(significant);
  return (value < 0 ? MINUS : "") + text;
}

/** The same with a plus sign, for differences. */
export function signedDigits(value: number, significant = 4): string {
  return value > 0 ? `+${digits(value, significant)}` : digits(value, significant);
}

export function percent(share: number): string {
  if (!Number.isFinite(share)) return "–";
  if (share > 0 && share < 0.01) return "<1 %";
  return `${Math.round(share * 100)} %`;
}

/** Steps are logged after epochs; -1 is the network before any training. */
export function stepName(step: number | undefined): string {
  if (step === undefined) return "no step";
  return step < 0 ? "untrained" : `step ${step}`;
}

/** "epoch 23 of 50, val loss 0.41": where we are, as it is heard. */
export function spokenStep(
  step: number | undefined,
  epochs: (number | null)[],
  index: number,
  metric: { name: string; value: number | null | undefined } | null,
): string {
  const [epoch, last] = [epochs[index], epochs.at(-1)];
  const isEpoch = typeof epoch === "number" && epoch >= 0;
  const parts = [isEpoch ? `epoch ${epoch} of ${last}` : stepName(step)];
  if (isEpoch && epoch !== step) parts.push(stepName(step));
  if (metric && typeof metric.value === "number")
    parts.push(`${metric.name.replaceAll("_", " ")} ${digits(metric.value, 3)}`);
  return parts.join(", ");
}

export function stepTag(step: number): string {
  return step < 0 ? "init" : String(step);
}

export function ago(seconds: number): string {
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

export function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

export function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
