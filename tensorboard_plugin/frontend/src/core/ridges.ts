/** Histograms one behind the other, the oldest at the back. */

export interface Ridge {
  /** Index of its step. */
  at: number;
  outline: string;
  /** Height of its floor in the box. */
  floor: number;
}

export const RIDGE_BOX = { width: 1000, height: 400 } as const;
/** A ridge may rise over so many floors of those behind it. */
const OVERLAP = 4;

/** One ridge for each histogram there is; all on the scale of the largest share. */
export function ridgesOf(drawn: { at: number; shares: ArrayLike<number> }[]): Ridge[] {
  const { width, height } = RIDGE_BOX;
  let most = 0;
  for (const { shares } of drawn)
    for (let i = 0; i < shares.length; i++) most = Math.max(most, shares[i]);
  const rise = (height * OVERLAP) / (drawn.length - 1 + OVERLAP);
  const pitch = drawn.length > 1 ? (height - rise) / (drawn.length - 1) : 0;
  return drawn.map(({ at, shares }, i) => {
    const floor = rise + i * pitch;
    const bar = width / Math.max(1, shares.length);
    let outline = `M0 ${round(floor)}`;
    for (let bin = 0; bin < shares.length; bin++) {
      const y = round(floor - (most ? (shares[bin] / most) * rise : 0));
      outline += `L${round(bin * bar)} ${y}H${round((bin + 1) * bar)}`;
    }
    return { at, floor, outline: `${outline}L${width} ${round(floor)}` };
  });
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
