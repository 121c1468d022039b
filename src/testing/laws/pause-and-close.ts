import { array, constantFrom } from "fast-check";
import { Splitter } from "../../core/index.ts";
import { type Cuts, cutPositions, cuts, cutUp } from "../arbitraries/cuts.ts";
import { defineLaw, isFramed, type LawDefinition } from "../define-law.ts";
import { Strict } from "../stream.ts";
import { joined, type Subject, said } from "../subject.ts";
import { demand } from "../violation.ts";

/** An action of a reader after a frame. */
type Step = "go on" | "push first" | "rest" | "use";

export const pauseAndClose: LawDefinition = defineLaw<[unknown[], Cuts, Step[]]>({
  name: "pause and close",
  why: "a reader may stop after any frame, take the remaining bytes or change the protocol: nothing may be lost or repeated",
  runs: 100,
  follows: [
    "round trip",
    "measure equals length",
    "incomplete input",
    "no overread",
    "offset independence",
    "resumed measure",
    "chunk invariance",
    "concatenation",
    "purity",
  ],
  applies: isFramed,
  cases: (subject) => [
    array(subject.values, { minLength: 1, maxLength: 5 }),
    cuts,
    array(constantFrom<Step[]>("go on", "push first", "rest", "use"), { maxLength: 8 }),
  ],
  test(subject, values, spec, steps) {
    const { sent, bytes, ends } = subject.write(values);
    const positions = cutPositions(spec, bytes.length, ends);
    const chunks = cutUp(bytes, positions);
    const evidence = { bytes, ends, cuts: positions };
    const received = subject.readBack(evidence, () => read(subject, chunks, steps));
    demand(
      received.length === sent.length,
      () =>
        `${sent.length} frames were written, but ${received.length} read with pauses between them`,
      evidence,
    );
    for (const [i, value] of sent.entries()) subject.demandReceived(received[i]!, value, evidence);
  },
});

function read(
  subject: Subject,
  chunks: Uint8Array[],
  steps: readonly Step[],
): (readonly unknown[])[] {
  const reader = subject.reader();
  const strict = new Strict(subject, reader);
  const received: (readonly unknown[])[] = [];
  const waiting = [...chunks];
  let splitter = new Splitter(strict);
  let turn = 0;
  const pause = (): void => {
    const step = steps[turn++ % Math.max(1, steps.length)];
    if (step === "push first" && waiting.length > 0) splitter.push(waiting.shift()!);
    if (step === "use") splitter.use(strict);
    if (step === "rest") {
      const rest = splitter.rest();
      splitter = new Splitter(strict);
      // The rest that was taken comes back in one chunk with the next bytes.
      splitter.push(joined([rest, waiting.shift() ?? new Uint8Array(0)]).bytes);
    }
  };
  try {
    for (;;) {
      while (splitter.next()) {
        received.push(subject.decode(reader, splitter.bytes, splitter.start, splitter.end));
        pause();
      }
      if (waiting.length === 0) break;
      splitter.push(waiting.shift()!);
      // Here the last frame may be partly read.
      if (!splitter.next()) pause();
      else received.push(subject.decode(reader, splitter.bytes, splitter.start, splitter.end));
    }
    splitter.finish();
    while (splitter.next()) {
      received.push(subject.decode(reader, splitter.bytes, splitter.start, splitter.end));
    }
  } catch (error) {
    strict.check();
    throw error instanceof Error ? error : new Error(said(error));
  }
  return received;
}
