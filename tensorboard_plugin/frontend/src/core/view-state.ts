/** Everything a link restores, with its short names in the address. */

import { limitsOf, limitsText } from "./alerts";
import { AXES, type AxisKind } from "./axis";
import { ORDERS, type Order } from "./bars";
import { CELL } from "./cards";
import { CHANGES, type Change } from "./change";
import { CHANNEL_SORTS, CHANNELS_OVER, type ChannelSort, type ChannelsOver } from "./channels";
import { DIVERGING, type Diverging, SEQUENTIAL, type Sequential } from "./colours";
import { RANGES, type Range, SCALES, type Scale } from "./domain";
import { SORTS, type Sort } from "./listing";
import { OUTLINES, OVERLAYS, type Overlay } from "./overlay";
import { FIGURES, type Figure } from "./pair";
import { MODES, type Mode, SAMPLINGS, type Sampling } from "./stage";
import type { State } from "./url";
import { boxOf, boxText } from "./zoom";

export const VIEWS = [
  "evolve",
  "detail",
  "compare",
  "pair",
  "layers",
  "gradients",
  "health",
] as const;
export const CURVES = ["even", "gamma", "symlog"] as const;
export const CHANNEL_SCALES = ["layer", "channel"] as const;
export const TRAILS = ["none", "short", "all"] as const;
export const TOKENS = ["words", "subwords"] as const;
export const BAR_SCALES = ["log", "linear"] as const;
export const LAYER_STATISTICS = [
  "dead",
  "mean_abs",
  "zero",
  "drift",
  "norm",
  "update_ratio",
] as const;
export const GRADIENT_STATISTICS = ["norm", "ratio", "update_ratio", "zero_share"] as const;
export const WEIGHT_SORTS = ["model", "largest", "smallest"] as const;
export const DISTRIBUTIONS = ["heat", "ridges", "bands", "table"] as const;
export const BIN_WINDOWS = ["recent", "all"] as const;
export const TOGETHER = ["shared", "own"] as const;
export const FILM_ROWS = ["methods", "layers"] as const;

export interface ViewState {
  view: (typeof VIEWS)[number];
  run: string | null;
  /** The run that is compared with; null: the chosen one itself. */
  runb: string | null;
  /** null: the latest, whatever it is. */
  step: number | null;
  a: number | null;
  b: number | null;
  record: string | null;
  /** The record of side B; null: that of A. */
  recordb: string | null;
  /** Whether two runs or methods are compared at one step. */
  sameStep: boolean;
  /** By what examples are ranked that are compared, and what that is held against. */
  apart: Figure;
  change: Change;
  flippedPairs: boolean;
  /** A and B on one scale or each on its own; null: as suits them. */
  together: (typeof TOGETHER)[number] | null;
  probe: number;
  scale: Scale;
  range: Range;
  /** Ends of the scale "fixed", once they are typed in. */
  low: number | null;
  high: number | null;
  curve: (typeof CURVES)[number];
  gamma: number;
  sequential: Sequential;
  diverging: Diverging;
  reversed: boolean;
  overlay: Overlay["mode"];
  opacity: number;
  follows: boolean;
  outline: Overlay["outline"];
  sort: Sort;
  /** The last of the order first. */
  backwards: boolean;
  label: number | null;
  wrongOnly: boolean;
  flippedOnly: boolean;
  search: string;
  /** Examples that stay first. */
  pinned: number[];
  /** Least width of a card. */
  cell: number;
  /** What the time bar measures. */
  axis: AxisKind;
  /** Whether playing goes from A to B again and again. */
  loop: boolean;
  metric: string | null;
  layer: string | null;
  channel: number | null;
  channelScale: (typeof CHANNEL_SCALES)[number];
  channelSort: ChannelSort;
  channelsOver: ChannelsOver;
  dimDead: boolean;
  /** By what the list of layers is coloured. */
  layerStatistic: (typeof LAYER_STATISTICS)[number];
  weight: string | null;
  weightSort: (typeof WEIGHT_SORTS)[number];
  /** How a weight's histograms over time are drawn, and over which bins. */
  distribution: (typeof DISTRIBUTIONS)[number];
  binWindow: (typeof BIN_WINDOWS)[number];
  statistic: (typeof GRADIENT_STATISTICS)[number];
  /** Whether several inputs share a scale; null: where their numbers compare. */
  across: (typeof TOGETHER)[number] | null;
  /** Whether tokens that are parts of words are joined. */
  tokens: (typeof TOKENS)[number];
  /** Bars by size, or as the record has them; null: as suits the record. */
  order: Order | null;
  /** Scale of what differs from layer to layer; null: as its numbers ask for. */
  barScale: (typeof BAR_SCALES)[number] | null;
  /** How much of their way points leave behind. */
  trail: (typeof TRAILS)[number];
  /** The figure that a table of numbers follows over the steps. */
  figure: string | null;
  /** The row of a record whose rows are no examples. */
  row: number;
  /** Thresholds of the alerts that are not the default. */
  limits: string | null;
  /** How A and B are compared. */
  mode: Mode;
  sampling: Sampling;
  /** The part of the maps in sight, as `zoom.ts` writes it. */
  zoom: string;
  /** What is a row of the filmstrip. */
  filmRows: (typeof FILM_ROWS)[number];
  /** The steps of the filmstrip, "from_to"; empty: all of them. */
  filmSpan: string;
}

export const DEFAULTS: ViewState = {
  view: "evolve",
  run: null,
  runb: null,
  step: null,
  a: null,
  b: null,
  record: null,
  recordb: null,
  sameStep: true,
  apart: "spearman",
  change: "probability",
  flippedPairs: false,
  together: null,
  probe: 0,
  scale: "time",
  range: "p1",
  low: null,
  high: null,
  curve: "even",
  gamma: 0.5,
  sequential: "cividis",
  diverging: "PuOr",
  reversed: false,
  overlay: "overlay",
  opacity: 92,
  follows: true,
  outline: "none",
  sort: "index",
  backwards: false,
  label: null,
  wrongOnly: false,
  flippedOnly: false,
  search: "",
  pinned: [],
  cell: CELL,
  axis: "epoch",
  loop: false,
  metric: null,
  layer: null,
  channel: null,
  channelScale: "layer",
  channelSort: "index",
  channelsOver: "example",
  dimDead: false,
  layerStatistic: "dead",
  weight: null,
  weightSort: "model",
  distribution: "heat",
  binWindow: "recent",
  statistic: "norm",
  across: null,
  tokens: "words",
  order: null,
  barScale: null,
  trail: "short",
  figure: null,
  row: 0,
  limits: null,
  mode: "2up",
  sampling: "nearest",
  zoom: "",
  filmRows: "methods",
  filmSpan: "",
};

interface Codec<Value> {
  name: string;
  read(text: string): Value | undefined;
}

/** Most examples that a link pins. */
const MOST_PINNED = 64;

type Codecs = { [Property in keyof ViewState]: Codec<ViewState[Property]> };

function oneOf<Value extends string>(name: string, values: readonly Value[]): Codec<Value> {
  return { name, read: (text) => values.find((value) => value === text) };
}

function text(name: string): Codec<string | null> {
  return { name, read: (value) => value };
}

function whole(name: string): Codec<number | null> {
  return { name, read: (value) => (/^-?\d{1,15}$/.test(value) ? Number(value) : undefined) };
}

function index(name: string): Codec<number> {
  return { name, read: (value) => (/^\d{1,9}$/.test(value) ? Number(value) : undefined) };
}

function decimal<Value extends number | null>(
  name: string,
  least: number,
  most: number,
): Codec<Value> {
  return {
    name,
    read: (value) => {
      const number = /^-?\d{1,30}(\.\d{1,30})?(e[+-]?\d{1,3})?$/.test(value) ? Number(value) : NaN;
      return number >= least && number <= most ? (number as Value) : undefined;
    },
  };
}

function truth(name: string): Codec<boolean> {
  return { name, read: (value) => ({ true: true, false: false })[value] };
}

const CODECS: Codecs = {
  view: oneOf("v", VIEWS),
  run: text("run"),
  runb: text("runb"),
  step: whole("e"),
  a: whole("a"),
  b: whole("b"),
  record: text("m"),
  recordb: text("mb"),
  sameStep: truth("k"),
  apart: oneOf("rk", FIGURES),
  change: oneOf("dy", CHANGES),
  flippedPairs: truth("df"),
  together: oneOf("ds", TOGETHER),
  probe: index("x"),
  scale: oneOf("s", SCALES),
  range: oneOf("r", RANGES),
  low: decimal("lo", -1e30, 1e30),
  high: decimal("hi", -1e30, 1e30),
  curve: oneOf("cu", CURVES),
  gamma: decimal("gm", 0.1, 4),
  sequential: oneOf("c", SEQUENTIAL),
  diverging: oneOf("cd", DIVERGING),
  reversed: truth("cr"),
  overlay: oneOf("o", OVERLAYS),
  opacity: decimal("oo", 0, 100),
  follows: truth("of"),
  outline: oneOf("ol", OUTLINES),
  sort: oneOf("sort", SORTS),
  backwards: truth("sb"),
  label: whole("f"),
  wrongOnly: truth("w"),
  flippedOnly: truth("ff"),
  search: { name: "q", read: (value) => value.slice(0, 200) },
  pinned: {
    name: "p",
    read: (value) =>
      /^\d{1,9}(,\d{1,9})*$/.test(value)
        ? [...new Set(value.split(",").map(Number))].slice(0, MOST_PINNED)
        : undefined,
  },
  cell: decimal("cs", 96, 480),
  axis: oneOf("ax", AXES),
  loop: truth("lp"),
  metric: text("y"),
  layer: text("l"),
  channel: whole("ch"),
  channelScale: oneOf("ls", CHANNEL_SCALES),
  channelSort: oneOf("chs", CHANNEL_SORTS),
  channelsOver: oneOf("cho", CHANNELS_OVER),
  dimDead: { name: "chd", read: (value) => value === "true" },
  layerStatistic: oneOf("lst", LAYER_STATISTICS),
  weight: text("g"),
  weightSort: oneOf("gso", WEIGHT_SORTS),
  distribution: oneOf("gd", DISTRIBUTIONS),
  binWindow: oneOf("gw", BIN_WINDOWS),
  statistic: oneOf("gs", GRADIENT_STATISTICS),
  across: oneOf("ac", TOGETHER),
  tokens: oneOf("tk", TOKENS),
  order: oneOf("or", ORDERS),
  barScale: oneOf("bs", BAR_SCALES),
  trail: oneOf("t", TRAILS),
  figure: text("fi"),
  row: index("n"),
  limits: { name: "h", read: (value) => limitsText(limitsOf(value)) ?? undefined },
  mode: oneOf("d", MODES),
  sampling: oneOf("u", SAMPLINGS),
  zoom: { name: "z", read: (text) => boxText(boxOf(text)) },
  filmRows: oneOf("fr", FILM_ROWS),
  filmSpan: {
    name: "fz",
    read: (text) => (/^-?\d{1,15}_-?\d{1,15}$/.test(text) ? text : undefined),
  },
};

const PROPERTIES = Object.keys(CODECS) as (keyof ViewState)[];

/** Unknown and malformed terms leave the default. */
export function decodeView(state: State): ViewState {
  const view = { ...DEFAULTS, pinned: [] };
  for (const property of PROPERTIES) assign(view, property, state);
  return view;
}

function assign<Property extends keyof ViewState>(
  view: ViewState,
  property: Property,
  state: State,
) {
  const codec: Codec<ViewState[Property]> = CODECS[property];
  const written = state[codec.name];
  const value = written === undefined ? undefined : codec.read(written);
  if (value !== undefined) view[property] = value;
}

/** Only what differs from the default is written. */
export function encodeView(view: ViewState): State {
  const state: State = {};
  for (const property of PROPERTIES) {
    const value = view[property];
    const written = String(value);
    if (value !== null && written !== String(DEFAULTS[property]))
      state[CODECS[property].name] = written;
  }
  return state;
}
