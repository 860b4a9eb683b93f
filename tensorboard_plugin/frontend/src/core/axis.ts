/** The time bar's axis: where each logged step stands, what lies between them, and its numbers. */

export const AXES = ["epoch", "step", "time"] as const;
export type AxisKind = (typeof AXES)[number];

export interface Gap {
  /** Places on the bar, from 0 to 1. */
  from: number;
  to: number;
  says: string;
}

export interface Axis {
  /** By logged step, from 0 to 1. */
  places: Float64Array;
  gaps: Gap[];
  marks: { place: number; text: string }[];
}

export interface Logged {
  steps: number[];
  epochs: (number | null)[];
  wallTimes: (number | null)[];
}

/** A gap is wider than the usual stride by this; the clock strides unevenly. */
const WIDER: Record<AxisKind, number> = { epoch: 1.5, step: 1.5, time: 4 };
/** Most hatched stretches: the widest ones. */
const MOST_GAPS = 100;

export function axisOf(logged: Logged, kind: AxisKind): Axis {
  const values = valuesOf(logged, kind);
  const [first, last] = [values[0] ?? 0, values.at(-1) ?? 0];
  const place = (value: number) => (last > first ? (value - first) / (last - first) : 0.5);
  const places = values.map(place);
  const strides = values.subarray(1).map((value, i) => value - values[i]);
  const usual = Float64Array.from(strides).sort()[strides.length >> 1] ?? 0;
  const gaps: Gap[] = [];
  for (let i = 0; i < strides.length && strides.length > 1; i++)
    if (strides[i] > WIDER[kind] * usual) {
      const [before, after] = [logged.steps[i], logged.steps[i + 1]];
      const half = usual / 2;
      gaps.push({
        from: place(values[i] + half),
        to: place(values[i + 1] - half),
        says:
          kind === "time"
            ? "nothing was logged for a while"
            : notLogged(before, after, Math.round((usual * (after - before)) / strides[i]) || 1),
      });
    }
  const widest = gaps.sort((a, b) => b.to - b.from - (a.to - a.from)).slice(0, MOST_GAPS);
  return {
    places,
    gaps: widest.sort((a, b) => a.from - b.from),
    marks: marksOf(first, last, kind, place),
  };
}

function notLogged(before: number, after: number, stride: number): string {
  const [from, to] = [before + stride, after - stride];
  return from >= to ? `step ${from} was not logged` : `steps ${from} to ${to} were not logged`;
}

/** Never falling: a step that was logged again later stays where it belongs. Several steps of an epoch are spread over it, the last at its end. */
function valuesOf({ steps, epochs, wallTimes }: Logged, kind: AxisKind): Float64Array {
  const asked = { epoch: epochs, time: wallTimes, step: steps }[kind];
  const isKnown = asked.length > 0 && asked.every((value) => value !== null);
  const raw = isKnown ? (asked as number[]) : steps;
  const values = Float64Array.from(raw);
  if (kind === "epoch" && isKnown)
    for (let from = 0; from < values.length; ) {
      let to = from;
      while (to < values.length && raw[to] === raw[from]) to++;
      for (let i = from; i < to; i++) values[i] = raw[from] - (to - 1 - i) / (to - from);
      from = to;
    }
  for (let i = 1; i < values.length; i++) values[i] = Math.max(values[i], values[i - 1]);
  return values;
}

/** Round numbers, eight at most. */
function marksOf(
  first: number,
  last: number,
  kind: AxisKind,
  place: (value: number) => number,
): Axis["marks"] {
  if (!(last > first)) return [];
  const origin = kind === "time" ? first : 0;
  const unit = kind === "time" ? unitOf(last - first) : { size: 1, name: "" };
  const [low, high] = [(first - origin) / unit.size, (last - origin) / unit.size];
  const stride = Math.max(kind === "time" ? 0 : 1, roundStride((high - low) / 8));
  const marks: Axis["marks"] = [];
  const isUntrained = kind !== "time" && first < 0;
  for (let value = Math.ceil(low / stride) * stride; value <= high; value += stride) {
    const text = isUntrained && value < 0 ? "init" : `${Math.round(value * 100) / 100}${unit.name}`;
    marks.push({ place: place(origin + value * unit.size), text });
  }
  if (isUntrained && (marks[0]?.place ?? 1) > 0.04) marks.unshift({ place: 0, text: "init" });
  return marks;
}

function unitOf(seconds: number): { size: number; name: string } {
  if (seconds < 120) return { size: 1, name: " s" };
  return seconds < 7200 ? { size: 60, name: " min" } : { size: 3600, name: " h" };
}

/** 1, 2 or 5 times a power of ten, no smaller than `least`. */
function roundStride(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((times) => times * power).find((stride) => stride >= least) ?? least;
}

/** The logged step whose place is nearest. */
export function nearest(places: ArrayLike<number>, share: number): number {
  let [low, high] = [0, places.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (places[middle] < share) low = middle + 1;
    else high = middle;
  }
  return low > 0 && share - places[low - 1] <= places[low] - share ? low - 1 : low;
}

/** Stretches around steps that lack a record; none where most steps do: then it is logged seldom. */
export function lackingGaps(
  steps: number[],
  places: ArrayLike<number>,
  lacking: number[],
  says: (step: number) => string,
): Gap[] {
  if (lacking.length === 0 || lacking.length > Math.min(MOST_GAPS, steps.length / 2)) return [];
  return lacking.flatMap((step) => {
    const at = steps.indexOf(step);
    if (at < 0) return [];
    const from = at > 0 ? (places[at - 1] + places[at]) / 2 : places[at];
    const to = at < steps.length - 1 ? (places[at] + places[at + 1]) / 2 : places[at];
    return [{ from, to, says: says(step) }];
  });
}
