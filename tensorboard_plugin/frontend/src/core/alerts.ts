/** What is wrong with a run: in words, on the time bar, and where to look. */

import { digits, plural, stepName } from "./format";
import { homeOf } from "./forms";
import type { RecordSpec } from "./types";

export const SEVERITIES = ["error", "warn", "info"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Colour is never alone: each severity has a shape and a word. */
export const SHAPES: Record<Severity, string> = { error: "■", warn: "◆", info: "●" };
export const WORDS: Record<Severity, string> = { error: "error", warn: "warning", info: "note" };

export interface AlertPlace {
  name: string;
  record: string | null;
  layer: string | null;
  weight: string | null;
  probe: number | null;
}

export interface Alert {
  name: string;
  rule: string;
  severity: Severity;
  place: AlertPlace;
  count: number;
  since: number;
  until: number | null;
  worst: number;
  value: number | null;
  threshold: number;
  sentence: string;
  /** The figure at some of the steps, only in the full reply. */
  line?: { steps: number[]; values: (number | null)[] };
}

export interface AlertRule {
  name: string;
  title: string;
  severity: Severity;
  needs: string;
  says: string;
  limits: string[];
  /** How many places were checked; 0 where the run does not hold what is needed. */
  looked_at: number;
}

export interface AlertLimit {
  name: string;
  value: number;
  default: number;
  least: number;
  most: number;
  says: string;
}

/** What the route sends; rules and limits only with the lines. */
export interface AlertReply {
  checked: number;
  pending: number;
  left_out: number;
  alerts: Alert[];
  rules?: AlertRule[];
  limits?: AlertLimit[];
}

/** "1 error, 8 warnings, 2 notes". */
export function countText(alerts: Alert[]): string {
  const parts = SEVERITIES.map((severity) => {
    const count = alerts.filter((alert) => alert.severity === severity).length;
    return count ? plural(count, WORDS[severity]) : "";
  });
  return parts.filter(Boolean).join(", ");
}

/** "since step 6", "steps 3 to 5", "step 8". */
export function whenText({ since, until }: Alert): string {
  if (until === null) return `since ${stepName(since)}`;
  if (until === since) return `at ${stepName(since)} only`;
  return since < 0 ? `untrained to ${stepName(until)}` : `steps ${since} to ${until}`;
}

/** Three digits, without zeros at the end: "0.9", "1e−5", "4930". */
export function figureText(value: number | null): string {
  const size = Math.abs(value ?? 0);
  if (value !== null && size >= 100 && size < 1e5) return String(Math.round(value));
  const text = digits(value, 3);
  return text.replace(/(\.\d*?)0+(?=e|$)/, "$1").replace(/\.(?=e|$)/, "");
}

export interface Tick {
  /** Place among the steps. */
  at: number;
  severity: Severity;
  says: string;
}

/** Marks closer than this share of the bar become one. */
const NEAR = 0.012;

/** Where alerts begin, one mark for those at the same place; the worst gives the shape. */
export function ticksOf(
  alerts: Alert[],
  steps: number[],
  titleOf: (alert: Alert) => string,
): Tick[] {
  const found: { at: number; alerts: Alert[] }[] = [];
  const placed = alerts
    .map((alert) => ({ at: steps.indexOf(alert.since), alert }))
    .filter(({ at }) => at >= 0)
    .sort((one, other) => one.at - other.at);
  for (const { at, alert } of placed) {
    const last = found.at(-1);
    if (last && (at - last.at) / Math.max(1, steps.length - 1) < NEAR) last.alerts.push(alert);
    else found.push({ at, alerts: [alert] });
  }
  return found.map(({ at, alerts: here }) => ({
    at,
    severity: SEVERITIES.find((each) => here.some(({ severity }) => severity === each)) ?? "info",
    says: tickText(here, titleOf),
  }));
}

const MOST_NAMED = 3;

function tickText(alerts: Alert[], titleOf: (alert: Alert) => string): string {
  const named = alerts.slice(0, MOST_NAMED).map((alert) => {
    return `${WORDS[alert.severity]} at ${stepName(alert.since)}: ${titleOf(alert)}, ${alert.place.name}`;
  });
  const more = alerts.length - named.length;
  return [...named, ...(more > 0 ? [`and ${more} more`] : [])].join("\n");
}

/** The view that shows the place, and what is chosen there. */
export interface Target {
  view: "evolve" | "detail" | "layers" | "gradients";
  record?: string;
  layer?: string;
  weight?: string;
  probe?: number;
  metric?: string;
}

export function targetOf(alert: Alert, records: RecordSpec[], logs: string[]): Target {
  const { place } = alert;
  if (place.weight !== null) return { view: "gradients", weight: place.weight };
  const record = records.find(({ key, method }) => key === place.record || method === place.name);
  const probe = place.probe ?? undefined;
  if (!record) return { view: "evolve", metric: logs.find((name) => name === place.name) };
  const home = homeOf(record);
  if (home === "layers") return { view: "layers", layer: record.key, probe };
  if (home === "gradients") return { view: "gradients" };
  const single = probe !== undefined && record.rows === null;
  return { view: single ? "detail" : "evolve", record: record.key, probe };
}

const TERM = /^([a-z_]{1,40}):(-?\d{1,10}(?:\.\d{1,16})?(?:e[+-]?\d{1,3})?)$/;

/** The thresholds in an address, "dead_share:0.3;jump:4"; what is no threshold is left out. */
export function limitsOf(text: string | null): Record<string, string> {
  const found = (text ?? "").split(";").map((term) => TERM.exec(term));
  return Object.fromEntries(found.flatMap((term) => (term ? [[term[1], term[2]]] : [])));
}

/** The inverse, of those that are not the default; null if none are. */
export function limitsText(limits: Record<string, string>): string | null {
  const terms = Object.entries(limits).map(([name, value]) => `${name}:${value}`);
  return terms.length ? terms.join(";") : null;
}

/** The figure of an alert as a small chart: by logarithm where it spans decades. */
export interface AlertLine {
  values: number[];
  lo: number;
  hi: number;
  threshold: number;
  logarithmic: boolean;
  /** Places of the first and the last step of the alert. */
  from: number;
  to: number;
}

const DECADES = 1000;

export function lineOf(alert: Alert): AlertLine | undefined {
  const { line, since, until, threshold } = alert;
  if (!line || line.steps.length === 0) return undefined;
  const known = line.values.filter((value): value is number => value !== null);
  const positive = known.filter((value) => value > 0);
  const largest = Math.max(...positive, threshold);
  const smallest = Math.min(...positive, threshold > 0 ? threshold : Number.POSITIVE_INFINITY);
  const logarithmic = threshold > 0 && largest / smallest > DECADES;
  // What is exactly zero has no logarithm: it lies at the floor.
  const floor = smallest / 10;
  const scale = (value: number) => (logarithmic ? Math.log10(Math.max(value, floor)) : value);
  const values = line.values.map((value) => (value === null ? Number.NaN : scale(value)));
  const ends = [...known.map(scale), scale(threshold)];
  const lo = logarithmic ? Math.min(...ends) : Math.min(0, ...ends);
  const hi = Math.max(...ends);
  const from = line.steps.findIndex((step) => step >= since);
  const to = until === null ? line.steps.length - 1 : line.steps.findLastIndex((s) => s <= until);
  return {
    values,
    lo,
    hi: hi > lo ? hi : lo + 1,
    threshold: scale(threshold),
    logarithmic,
    from: from < 0 ? line.steps.length - 1 : from,
    to: Math.max(to, from),
  };
}

/** What a screen reader is told: all at first, then only what is new. */
export function newsText(known: ReadonlySet<string> | null, alerts: Alert[]): string {
  if (known === null) return alerts.length ? `Health: ${countText(alerts)}` : "";
  const fresh = alerts.filter(({ name }) => !known.has(name));
  if (fresh.length === 0) return "";
  const [first] = fresh;
  return `New in Health: ${countText(fresh)}. ${first.sentence}`;
}
