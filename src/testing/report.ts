import { nameError } from "../core/index.ts";
import { explain, hexView as meaningOf } from "../inspect/index.ts";
import { canInterrupt } from "./deadline.ts";
import type { Trial } from "./define-law.ts";
import { firstDifference } from "./difference.ts";
import { hexView } from "./hex.ts";
import { shown } from "./show.ts";
import { type Evidence, Violation } from "./violation.ts";

/** A broken law and its counterexample. */
export interface LawFailure {
  /** Name of the law. */
  readonly law: string;
  /** Name of the protocol. */
  readonly protocol: string;
  /** Seed of the random numbers: the same seed finds the same counterexample. */
  readonly seed: number;
  /** The smallest value, or list of values, found to break the law. */
  readonly counterexample: unknown;
  /** Another broken law that causes this one: fix that one first. Undefined for a first cause. */
  readonly follows: string | undefined;
}

/**
 * Thrown when a protocol breaks a law. The message fits one screen: the first difference, the smallest
 * counterexample, its bytes with their meaning and the cuts, and how to replay it. If another broken law is
 * the cause, the message is one line. If a codec threw, its error is the `cause`.
 */
export class LawError extends Error implements LawFailure {
  readonly law: string;
  readonly protocol: string;
  readonly seed: number;
  readonly counterexample: unknown;
  readonly follows: string | undefined;

  /** @internal */
  constructor(text: string, failure: LawFailure, cause: unknown) {
    super(text, cause === undefined ? undefined : { cause });
    this.law = failure.law;
    this.protocol = failure.protocol;
    this.seed = failure.seed;
    this.counterexample = failure.counterexample;
    this.follows = failure.follows;
  }
}

nameError(LawError, "LawError");

/** Maximum width of a report. */
const COLUMNS = 110;
/** Maximum number of lines of each part; with the two lines about the seed, 24 in total. */
const MOST = { head: 3, why: 2, value: 3, hex: 5, meaning: 5 } as const;

interface ReportedLaw {
  readonly name: string;
  readonly why: string;
  readonly follows?: string | undefined;
}

/** Other inputs of a report. */
interface Context {
  /** The protocol, if its bytes can be explained. */
  readonly explained?: object | undefined;
  /** Time limit of a call, in milliseconds. */
  readonly deadline?: number | undefined;
}

/** @internal */
export function report(
  law: ReportedLaw,
  protocol: string,
  trial: Trial,
  { explained, deadline }: Context = {},
): LawError {
  const thrown = trial.error;
  const { seed } = trial;
  const counterexample = trial.counterexample?.[0];
  const evidence = thrown instanceof Violation ? thrown.evidence : {};
  const { bytes, sides } = evidence;
  const lines = [
    ...wrapped(`${protocol} breaks the law "${law.name}": ${wordsOf(thrown)}`, MOST.head),
    ...wrapped(`  why it matters: ${law.why}`, MOST.why),
    ...(sides === undefined ? [] : differenceOf(sides)),
    ...wrapped(`  value: ${shown(counterexample, 250)}`, MOST.value),
    ...(bytes === undefined ? [] : bytesOf(bytes, evidence, explained)),
    ...(deadline === undefined || canInterrupt()
      ? []
      : ["  deadline: none, because this runtime cannot interrupt a call that never returns"]),
    `  seed: ${seed} (run ${trial.runs}, shrunk ${trial.shrinks} times)`,
    `  replay: set FC_SEED=${seed} in the environment, or pass laws() the option { seed: ${seed} }`,
  ];
  const cause = thrown instanceof Violation ? thrown.cause : thrown;
  const failure = { law: law.name, protocol, seed, counterexample, follows: undefined };
  return new LawError(lines.join("\n"), failure, cause);
}

/** The report of a law that another broken law explains. @internal */
export function follower(law: ReportedLaw, protocol: string, trial: Trial): LawError {
  const { seed, error } = trial;
  const text = `${protocol} breaks the law "${law.name}" too: fix "${law.follows}" first, the likely cause`;
  const counterexample = trial.counterexample?.[0];
  const failure = { law: law.name, protocol, seed, counterexample, follows: law.follows };
  return new LawError(text, failure, error instanceof Violation ? error.cause : error);
}

/** Describes the failure. Values in it are shown again at the first difference. */
function wordsOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Wraps a text to at most this many lines; lines after the first are indented. */
function wrapped(text: string, most: number): string[] {
  const indent = `${/^ */.exec(text)![0]}  `;
  const lines: string[] = [];
  let rest = text.replaceAll("\n", " ");
  while (rest.length > COLUMNS && lines.length < most - 1) {
    const space = rest.lastIndexOf(" ", COLUMNS);
    const at = space > COLUMNS / 2 ? space : COLUMNS;
    lines.push(rest.slice(0, at).trimEnd());
    rest = indent + rest.slice(at).trimStart();
  }
  return [...lines, clipped(rest)];
}

const clipped = (line: string): string =>
  line.length <= COLUMNS ? line : `${line.slice(0, COLUMNS - 4)} ...`;

function differenceOf([[a, one], [b, other]]: NonNullable<Evidence["sides"]>): string[] {
  const { path, sides } = firstDifference(one, other);
  const width = Math.max(a.length, b.length);
  const side = (name: string, text: string): string =>
    clipped(`    ${name.padEnd(width)}  ${text}`);
  return [
    clipped(`  first difference: ${path === "" ? "the whole value" : path}`),
    side(a, sides[0]),
    side(b, sides[1]),
  ];
}

function bytesOf(
  bytes: Uint8Array,
  { cuts = [], ends = [] }: Evidence,
  explained: object | undefined,
): string[] {
  const marks = [];
  if (cuts.length > 0) marks.push("| a chunk ends");
  if (ends.length > 0) marks.push("/ a frame ends");
  if (marks.length === 2) marks.push("+ both");
  const legend = marks.length > 0 ? ` (${marks.join(", ")})` : "";
  const place = cuts[0] ?? 0;
  const meaning = meaningLines(bytes, ends, place, explained);
  const lines = [`  bytes: ${bytes.length}${legend}`];
  if (meaning.length === 0 || marks.length > 0) {
    const most = meaning.length > 0 ? MOST.hex - 1 : MOST.hex + MOST.meaning;
    const rows = hexView(bytes, { cuts, ends }, most).split("\n");
    lines.push(...rows.map((row) => clipped(`    ${row}`)));
  }
  return [...lines, ...meaning.map((row) => clipped(`    ${row}`))];
}

/** The meaning of the bytes around `place`; no lines if they cannot be explained. */
function meaningLines(
  bytes: Uint8Array,
  ends: readonly number[],
  place: number,
  explained: object | undefined,
): string[] {
  if (explained === undefined || !isKnown(explained)) return [];
  const start = Math.max(0, ...ends.filter((end) => end <= place && end < bytes.length));
  const end = ends.find((one) => one > start) ?? bytes.length;
  let view: string;
  try {
    view = meaningOf(explain(explained, bytes, start, end), bytes, { lines: 2 });
  } catch {
    return [];
  }
  const rows = view.split("\n");
  const error = rows.at(-1)?.startsWith("error:") === true ? [rows.pop()!] : [];
  const most = MOST.meaning - error.length;
  if (rows.length <= most) return [...rows, ...error];
  // The rows around that byte.
  const at = rows.filter((row) => Number.parseInt(row, 16) <= place).length - 1;
  const from = Math.min(Math.max(0, at - 2), rows.length - most + 1);
  const left = rows.length - most + 1;
  return [...rows.slice(from, from + most - 1), `... ${left} more lines`, ...error];
}

const isKnown = (what: object): boolean =>
  ["node", "field", "format", "layout"].some(
    (name) => (what as Readonly<Record<string, unknown>>)[name] !== undefined,
  );
