import { checkInteger } from "../core/index.ts";
import type { Course, LawDefinition, Trial } from "./define-law.ts";
import type { Law } from "./law.ts";
import { type Led, leadOf } from "./lead.ts";
import { runParameters } from "./options.ts";
import { follower, LawError, report } from "./report.ts";
import type { Subject } from "./subject.ts";
import { Violation } from "./violation.ts";

/** Default time limit of a call, in milliseconds. */
const DEADLINE = 1000;

/**
 * The laws for one protocol. They share results, because one mistake breaks many laws: only the first cause
 * is reported in full.
 * @internal
 */
export class LawSet {
  readonly laws: Law[];
  readonly #definitions: readonly LawDefinition[];
  readonly #open: () => Subject;
  /** Results of the laws that were checked, by name. */
  readonly #broken = new Map<string, LawError | undefined>();
  readonly #leads = new Map<number, readonly Led[]>();
  /** The law with a call that did not return. */
  #hung: LawDefinition | undefined;

  constructor(definitions: readonly LawDefinition[], open: () => Subject) {
    this.#open = open;
    this.#definitions = definitions.filter((definition) => definition.applies(open()));
    this.laws = this.#definitions.map((definition) => this.#law(definition));
  }

  #law(definition: LawDefinition): Law {
    const notes: string[] = [];
    return {
      name: definition.name,
      why: definition.why,
      notes,
      check: (...given: unknown[]): void => {
        const error = this.#check(definition, notes);
        annotate(given[0], notes);
        if (error !== undefined) throw error;
      },
    };
  }

  #check(definition: LawDefinition, notes: string[]): LawError | undefined {
    const subject = this.#open();
    const course = this.#courseOf(subject);
    const trial = definition.run(subject, course);
    notes.splice(0, notes.length, ...subject.notes);
    const error = trial.failed
      ? this.#errorOf(definition, subject, trial, course)
      : tooFew(definition, subject, trial);
    this.#broken.set(definition.name, error);
    return error;
  }

  #courseOf(subject: Subject): Course {
    const { deadline = DEADLINE } = subject.options;
    if (deadline !== Number.POSITIVE_INFINITY) checkInteger("deadline", deadline, 1);
    const parameters = runParameters(subject.options);
    const { values } = subject;
    return { ...parameters, deadline, lead: (one) => this.#lead(one, values, parameters.seed) };
  }

  #lead(subject: Subject, values: Subject["values"], seed: number): readonly Led[] {
    const lead = this.#leads.get(seed) ?? leadOf(subject, values, seed);
    this.#leads.set(seed, lead);
    return lead;
  }

  #errorOf(
    definition: LawDefinition,
    subject: Subject,
    trial: Trial,
    { deadline }: Course,
  ): LawError {
    // An error that a user's function threw does not follow from any law.
    const isViolation = trial.error instanceof Violation;
    const cause =
      trial.hung === true ? this.#hung : isViolation ? this.#causeOf(definition) : undefined;
    if (trial.hung === true) this.#hung ??= definition;
    const law = { ...definition, follows: cause?.name };
    if (cause !== undefined && cause !== definition) return follower(law, subject.name, trial);
    return report(law, subject.name, trial, { explained: explainable(subject), deadline });
  }

  /** Finds a broken law that describes the same mistake better. */
  #causeOf(definition: LawDefinition): LawDefinition | undefined {
    for (const name of definition.follows) {
      const other = this.#definitions.find((one) => one.name === name);
      if (other === undefined) continue;
      const known = this.#broken.has(name) ? this.#broken.get(name) : this.#check(other, []);
      if (known === undefined) continue;
      const first = known.follows;
      return this.#definitions.find((one) => one.name === first) ?? other;
    }
    return undefined;
  }
}

const explainable = ({ options, codec }: Subject): object => options.reader ?? codec;

/** Returns an error if a law was tested with too few values to count as kept. */
function tooFew(
  definition: LawDefinition,
  { name, tally: { written, tooBig } }: Subject,
  { seed }: Trial,
): LawError | undefined {
  if (tooBig <= 4 * written) return undefined;
  const text =
    `${name} was hardly tested with the law "${definition.name}": ${tooBig} of ${tooBig + written} values ` +
    "are too big for a frame of maxFrame bytes. Pass an arbitrary of smaller values";
  const failure = { law: definition.name, protocol: name, seed, follows: undefined };
  return new LawError(text, { ...failure, counterexample: undefined }, undefined);
}

/** Adds notes to the test, in runners that pass a context to it: vitest, node:test. */
function annotate(context: unknown, notes: readonly string[]): void {
  if (typeof context !== "object" || context === null || notes.length === 0) return;
  const { annotate: note, diagnostic } = context as Readonly<Record<string, unknown>>;
  for (const take of [note, diagnostic]) {
    if (typeof take !== "function") continue;
    for (const text of notes) take.call(context, text);
    return;
  }
}
