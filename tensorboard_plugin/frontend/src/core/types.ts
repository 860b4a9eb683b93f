/** What the routes send: written once here, and tested against the Python fixture. */

export type InputKind = "image" | "series" | "tokens" | "features" | "volume";

export interface InputSpec {
  name: string;
  axes: string[];
  kind: InputKind;
  shape?: number[];
  /** Names of the entries of the last axis. */
  names?: string[];
  /** By such a name, what it is measured in. */
  units?: Record<string, string>;
  /** By such a name, words by the number that stands for each. */
  categories?: Record<string, Record<string, string>>;
  /** Words by token id. */
  words?: Record<string, string>;
  /** Of each example, "1" for every token that begins a word, "0" for the others. */
  starts?: string[];
  /** By the ids of a word's tokens, with blanks between, how it reads. */
  joined?: Record<string, string>;
}

export interface RunEntry {
  run: string;
  name: string;
  /** null: not counted. */
  steps: number | null;
  last: number | null;
  updated: number | null;
  /** Hash of the examples: runs of the same hash watch the same ones. */
  probes: string | null;
  /** It has no records, and what TensorBoard keeps of it is shown instead. */
  summaries?: boolean;
}

export interface RunList {
  runs: RunEntry[];
  logdir: string;
  /** The run that ships with the tab: shown when it is asked for by this name, and not listed. */
  example: string;
  /** Why runs without records are not listed. */
  problem?: string;
}

/** What TensorBoard keeps of one tag. */
export interface SummarySeries {
  tag: string;
  title: string;
  /** Pictures a step. */
  samples: number;
  steps: number[];
  /** Changes whenever there is something new. */
  stamp: string;
}

export interface SummaryList {
  /** What is missing and why, in sentences with code between backticks. */
  missing: string[];
  /** Another tool wrote them. */
  foreign: boolean;
  pictures: SummarySeries[];
  histograms: SummarySeries[];
}

/**
 * How a record is drawn. "map": a picture over two axes. "bars": numbers along one axis. "numbers":
 * one or a few per row. "points": places in the plane. "plane": a prediction for each place of it.
 * "table": numbers by name, two ways. "pictures": colour pictures in their own range. "channels":
 * many planes of a layer. "weights": the gradients view has them. "outputs": every view has them.
 */
export type Form =
  | "map"
  | "bars"
  | "numbers"
  | "points"
  | "plane"
  | "table"
  | "pictures"
  | "channels"
  | "weights"
  | "outputs";

export interface RecordSpec {
  key: string;
  method: string;
  axes: string[];
  signed: boolean;
  shown: "sum" | "max" | "all";
  layer: string | null;
  input: string | null;
  rows: string[] | null;
  labels: Record<string, (string | number)[]>;
  options: Record<string, unknown>;
  title: string;
  /** What the numbers are, such as "attribution"; "unknown" where the file does not say it. */
  quantity: string;
  /** Their unit, such as "score"; "unknown" where the file does not say it. */
  unit: string;
  form: Form;
  /** Shape of one stored row, in the order of `axes`. */
  shape: number[];
  row_count: number;
}

export interface Failure {
  step: number;
  source: string;
  error: string;
}

/** What the numbers of the explained output mean. */
export interface Task {
  kind: "classes" | "binary" | "labels" | "numbers" | "unknown";
  scale: "probabilities" | "logits" | "values";
  /** Positions, then the outputs at each. */
  shape: number[];
  /** Its name in a model of several outputs; else empty. */
  output: string;
}

export interface Manifest {
  schema: number;
  run: string;
  name: string;
  probes: {
    hash: string;
    count: number;
    inputs: InputSpec[];
    labels: number[] | null;
    class_names: string[] | null;
    /** null in old runs. */
    task?: Task | null;
    /** Whether it is known what is true of them. */
    truth?: boolean;
  };
  steps: number[];
  /** So many steps of a long run have not been read yet; null is what is not known of them. */
  unread: number;
  epochs: (number | null)[];
  wall_times: (number | null)[];
  attempts: number[];
  /** Microseconds since 1970 at which a step's file last changed. */
  changed: number[];
  logs: Record<string, (number | null)[]>;
  score: string;
  /** What is explained of each example, in words. */
  target?: string | null;
  records: RecordSpec[];
  missing?: Record<string, number[]>;
  failures: Failure[];
  totals: { failures?: number; dropped?: number; left_out?: number };
  /** Of the training's time, what went into explaining. */
  share?: number | null;
  problems: unknown[];
  /** Of a run without records. */
  summaries?: SummaryList;
}

/** Why a row of a `maps` reply has no trustworthy values. */
export const STATUS = ["ok", "missing", "damaged", "nonfinite"] as const;
export type Status = (typeof STATUS)[number];

/** One map of one row at one step, as it is shown (after "sum" or "max" over channels). */
export interface MapRow {
  step: number;
  row: number;
  status: Status;
  shape: number[];
  axes: string[];
  values: Float32Array;
}
