/** What is said of a map in many places: found in one look, and kept as long as the map. */

export interface Facts {
  /** Smallest and largest finite value; 0 of none. */
  lo: number;
  hi: number;
  /** Place of the first of the largest magnitudes; -1 where no value is finite. */
  peak: number;
  /** How many values are not finite. */
  broken: number;
}

const known = new WeakMap<Float32Array, Facts>();

/** The facts of a map whose values never change. */
export function factsOf(values: Float32Array): Facts {
  let facts = known.get(values);
  if (!facts) {
    facts = found(values);
    known.set(values, facts);
  }
  return facts;
}

function found(values: Float32Array): Facts {
  let lo = Number.POSITIVE_INFINITY;
  let hi = Number.NEGATIVE_INFINITY;
  let most = -1;
  let peak = -1;
  let broken = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    const size = Math.abs(value);
    if (!(size < Number.POSITIVE_INFINITY)) {
      broken++;
      continue;
    }
    if (value < lo) lo = value;
    if (value > hi) hi = value;
    if (size > most) {
      most = size;
      peak = i;
    }
  }
  return peak < 0 ? { lo: 0, hi: 0, peak, broken } : { lo, hi, peak, broken };
}
