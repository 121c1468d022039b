import { stringify } from "fast-check";
import { nameError } from "../core/index.ts";
import type { Trial } from "./define-law.ts";
import { hexView } from "./hex.ts";
import { type Evidence, Violation } from "./violation.ts";

/** A broken law: its name, and what breaks it. */
export interface LawFailure {
  /** Name of the law. */
  readonly law: string;
  /** Name of the protocol. */
  readonly protocol: string;
  /** Start of the random numbers: the same seed finds the same counterexample. */
  readonly seed: number;
  /** The smallest value found, or list of values, that breaks the law. */
  readonly counterexample: unknown;
}

/**
 * A protocol breaks a law. The message shows the smallest counterexample, its bytes with the cuts marked,
 * and how to replay it. If a codec threw, its error is the `cause`.
 */
export class LawError extends Error implements LawFailure {
  readonly law: string;
  readonly protocol: string;
  readonly seed: number;
  readonly counterexample: unknown;

  /** @internal */
  constructor(text: string, failure: LawFailure, cause: unknown) {
    super(text, cause === undefined ? undefined : { cause });
    this.law = failure.law;
    this.protocol = failure.protocol;
    this.seed = failure.seed;
    this.counterexample = failure.counterexample;
  }
}

nameError(LawError, "LawError");

// A page of a value helps nobody.
const LONGEST = 800;

/** A value as text: bytes beyond the first few, and text beyond a page, are counted instead. @internal */
export function shown(value: unknown): string {
  const text = stringify(value).replaceAll(
    /((?:\d+,){32})((?:\d+,){32,}\d+)/g,
    (_, first: string, rest: string) => `${first} ... ${rest.split(",").length} more`,
  );
  if (text.length <= LONGEST) return text;
  return `${text.slice(0, LONGEST)}... (${text.length - LONGEST} characters more)`;
}

/** @internal */
export function report(
  law: { readonly name: string; readonly why: string },
  protocol: string,
  trial: Trial,
): LawError {
  const thrown = trial.error;
  const { seed } = trial;
  const counterexample = trial.counterexample?.[0];
  const what = thrown instanceof Error ? thrown.message : String(thrown);
  const evidence = thrown instanceof Violation ? thrown.evidence : {};
  const lines = [
    `${protocol} breaks the law "${law.name}": ${what}`,
    `  why it matters: ${law.why}`,
    `  value: ${shown(counterexample)}`,
    ...bytesOf(evidence),
    `  seed: ${seed} (run ${trial.runs}, made smaller ${trial.shrinks} times)`,
    `  replay: set FC_SEED=${seed} in the environment, or give laws() the option { seed: ${seed} }`,
  ];
  const cause = thrown instanceof Violation ? thrown.cause : thrown;
  const failure = { law: law.name, protocol, seed, counterexample };
  return new LawError(lines.join("\n"), failure, cause);
}

function bytesOf({ bytes, cuts = [], ends = [] }: Evidence): string[] {
  if (bytes === undefined) return [];
  const marks = [];
  if (cuts.length > 0) marks.push("| a chunk ends");
  if (ends.length > 0) marks.push("/ a frame ends");
  if (marks.length === 2) marks.push("+ both");
  const legend = marks.length > 0 ? ` (${marks.join(", ")})` : "";
  const view = hexView(bytes, { cuts, ends });
  return [`  bytes: ${bytes.length}${legend}`, ...view.split("\n").map((line) => `    ${line}`)];
}
