import fc from "fast-check";
import { type Framing, Output, ProtocolError } from "framewright";
import { type Field, protocolOf } from "framewright/fields";
import { compiled } from "framewright/fields/compiled";
import { newScan } from "framewright/framing";
import { explain, hexView, type Part, picture } from "framewright/inspect";
import { equal, mutated, valuesOf } from "framewright/testing";
import { build, type Fast, generate } from "../../src/fields/compiled/generate.ts";
import { described, RandomFields } from "./random-fields.ts";

/*
 * Random descriptions: all that reads, writes, measures or explains a description must agree on values, bytes, codes,
 * paths and offsets, for good bytes and bad. Throws an Error that names the seed and the description.
 */

type Any = Field<unknown>;

interface Outcome {
  readonly value?: unknown;
  readonly error?: {
    readonly code: string;
    readonly offset: number | undefined;
    readonly path: readonly unknown[] | undefined;
    readonly message: string;
  };
}

function outcome(run: () => unknown): Outcome {
  try {
    return { value: run() };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const { code, offset, path, message } = error;
    return { error: { code, offset, path, message } };
  }
}

function encode(field: Any, value: unknown): Uint8Array {
  const out = new Output();
  out.u8(1);
  field.encode(value, out);
  return out.take().slice(1);
}

/** Bytes in the middle of others, so that whoever looks outside of its window reads something else. */
function decode(field: Any, bytes: Uint8Array): unknown {
  const around = new Uint8Array(bytes.length + 24).fill(0xa5);
  around.set(bytes, 8);
  const { value, error } = outcome(() => field.decode(around, 8, 8 + bytes.length));
  if (error === undefined) return value;
  const { code, message, offset, path } = error;
  throw new ProtocolError(
    code as "malformed",
    message,
    offset === undefined ? undefined : offset - 8,
    {
      path: path as readonly string[] | undefined,
    },
  );
}

const text = (value: unknown): string =>
  JSON.stringify(value, (_, one) =>
    typeof one === "bigint"
      ? `${one}n`
      : one instanceof Uint8Array
        ? `<${Buffer.from(one).toString("hex")}>`
        : one,
  );

/** What was compared. */
export interface Tally {
  fields: number;
  /** Descriptions for which no valid value was found. */
  without: number;
  values: number;
  bad: number;
  prefixes: number;
}

export const newTally = (): Tally => ({ fields: 0, without: 0, values: 0, bad: 0, prefixes: 0 });

function fail(text: string): never {
  throw new Error(text);
}

/** Compares everything that works with the description of this seed. */
export function checkSeed(seed: number, tally: Tally): void {
  const field = new RandomFields(seed).any() as unknown as Any;
  const where = (): string => `seed ${seed}: ${described(field)}`;
  tally.fields++;
  if (picture(field) === "") fail(`${where()} has no picture`);
  const fast = compiled(field);
  const raw = build<Fast>(generate(field as never));
  let values: unknown[] = [];
  try {
    values = fc.sample(valuesOf(field, { max: 60 }), { numRuns: 8, seed });
  } catch (error) {
    // A size in units of 2 of what is always odd.
    if (!(error as Error).message.includes("no valid value")) throw error;
    tally.without++;
  }
  for (const value of values) {
    tally.values++;
    const written = outcome(() => encode(field, value));
    if (written.error !== undefined) {
      fail(`${where()} refuses ${text(value)}: ${written.error.message}`);
    }
    const bytes = written.value as Uint8Array;
    const read = outcome(() => decode(field, bytes));
    if (!equal(read, { value })) fail(`${where()}\n${text(value)} is read as ${text(read)}`);
    quick(raw, bytes, value, where);
    const others = [outcome(() => encode(fast, value)), outcome(() => decode(fast, bytes))];
    if (!equal(others, [written, read])) fail(`${where()}\ncompiled: ${text(others)}`);
    explained(field, bytes, where, { value });
    measures(field, bytes, where, tally);
    const bad = fc.sample(mutated(bytes), { numRuns: 6, seed: seed + 1 });
    for (let cut = 1; cut <= Math.min(6, bytes.length); cut++)
      bad.push(bytes.slice(0, -cut) as never);
    for (const [i, wrong] of bad.entries()) {
      tally.bad++;
      misread(field, fast, raw, wrong, where);
      // Measuring each prefix costs far more than reading.
      if (i % 4 === 0) measures(field, wrong, where, tally, false);
    }
  }
}

/** Bad bytes are refused as malformed, at an offset and path that exist, or read as a value that can be written. */
function misread(field: Any, fast: Any, raw: Fast, bytes: Uint8Array, where: () => string): void {
  const hex = Buffer.from(bytes).toString("hex");
  const read = outcome(() => decode(field, bytes));
  explained(field, bytes, where, read);
  const other = outcome(() => decode(fast, bytes));
  if (!equal(other, read)) fail(`${where()}\n${hex}: ${text(read)}, compiled ${text(other)}`);
  const value = accepted(raw, bytes);
  if (!equal(value, read.error === undefined ? read.value : undefined)) {
    fail(`${where()}\n${hex}: ${text(read)}, generated code reads ${text(value)}`);
  }
  const { error } = read;
  if (error === undefined) return;
  const { code, offset, path } = error;
  if (code !== "malformed") fail(`${where()}\n${hex}: ${code}: ${error.message}`);
  if (!(offset !== undefined && offset >= 0 && offset <= bytes.length)) {
    fail(`${where()}\n${hex}: offset ${offset}: ${error.message}`);
  }
  if (path !== undefined && !Array.isArray(path)) fail(`${where()}: ${error.message}`);
}

/** What generated code reads of all bytes; undefined if it refuses them. */
function accepted(raw: Fast, bytes: Uint8Array): unknown {
  const cursor = { at: 0 };
  try {
    const value = raw.read(bytes, 0, bytes.length, cursor);
    return cursor.at === bytes.length ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Good values never need the closures. */
function quick(raw: Fast, bytes: Uint8Array, value: unknown, where: () => string): void {
  const read = accepted(raw, bytes);
  if (!equal(read, value))
    fail(`${where()}\ngenerated code reads ${text(read)}, not ${text(value)}`);
  const out = new Output();
  try {
    raw.write(value, out);
  } catch (error) {
    fail(`${where()}\ngenerated code refuses ${text(value)}: ${String(error)}`);
  }
  if (!equal(out.take(), bytes))
    fail(`${where()}\ngenerated code writes other bytes of ${text(value)}`);
}

const leaves = (part: Part): readonly Part[] =>
  part.parts === undefined || part.parts.length === 0 ? [part] : part.parts.flatMap(leaves);

/** The inspector finds the same value by a walk of its own, or the same error, and leaves no bit out. */
function explained(field: Any, bytes: Uint8Array, where: () => string, read: Outcome): void {
  const part = explain(field, bytes);
  const wrong = (what: string): never =>
    fail(`${where()}\n${Buffer.from(bytes).toString("hex")}: ${what}\n${hexView(part, bytes)}`);
  const { value, error } = part;
  if (!equal(error, read.error)) wrong(`explained with ${text(error)}, decoded ${text(read)}`);
  if (error === undefined && !equal(value, read.value))
    wrong(`explained as ${text(value)}, not ${text(read.value)}`);
  let bit = 0;
  for (const { start, end, bits } of leaves(part)) {
    const first = 8 * start + (bits?.first ?? 0);
    if (first !== bit) wrong(`a gap at ${bit / 8}`);
    bit = bits === undefined ? 8 * end : first + bits.count;
  }
  if (bit !== 8 * bytes.length) wrong(`ends at ${bit / 8}`);
}

/** Any prefix tells the same length, the same error or nothing, with a scan that is resumed and with a fresh one. */
function measures(
  field: Any,
  bytes: Uint8Array,
  where: () => string,
  tally: Tally,
  isGood = true,
): void {
  let protocol: ReturnType<typeof protocolOf>;
  try {
    // A frame of the last size is too long by a byte.
    const most = tally.prefixes % 5 === 0 ? Math.max(field.least, bytes.length - 1) : 1 << 20;
    const { node } = field;
    const names =
      node.kind === "struct" && tally.values % 2 === 0 ? [...node.plan.fields.keys()] : [];
    const upTo = names[tally.prefixes % 4];
    protocol = protocolOf(field, { name: "random", maxFrame: most, upTo });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    if (!/has no end of its own|at least one byte/.test(error.message)) throw error;
    return;
  }
  const wrong = (what: string): never =>
    fail(`${where()}\n${Buffer.from(bytes).toString("hex")}: ${what}`);
  const fast = compiled(protocol);
  const scan = newScan();
  const other = newScan();
  let answer: Outcome | undefined;
  const step = 1 + Math.floor(bytes.length / 24);
  for (
    let end = 1;
    end <= bytes.length;
    end = end === bytes.length ? end + 1 : Math.min(end + step, bytes.length)
  ) {
    tally.prefixes++;
    // Moved about in memory, as a splitter does.
    const moved = new Uint8Array(bytes.length + end).fill(0x5a);
    moved.set(bytes.subarray(0, end), end);
    const fresh = measured(protocol, bytes, 0, end, newScan());
    const generated = measured(fast, bytes, 0, end, newScan());
    if (!equal(generated, fresh)) {
      wrong(`measures ${text(fresh)} of ${end} bytes, compiled ${text(generated)}`);
    }
    if (answer !== undefined) {
      if (!equal(fresh, answer))
        wrong(`measures ${text(fresh)} of ${end} bytes, but ${text(answer)} of fewer`);
      continue;
    }
    if (scan.at > end) {
      if (fresh.value !== 0)
        wrong(`measures ${text(fresh)} of ${end} bytes, though it waits for ${scan.at}`);
      continue;
    }
    const resumed = measured(protocol, moved, end, 2 * end, scan);
    const again = measured(fast, moved, end, 2 * end, other);
    for (const { error } of [resumed, again]) {
      if (error?.offset !== undefined) Object.assign(error, { offset: error.offset - end });
    }
    if (!equal(again, resumed) || other.at !== scan.at) {
      wrong(`resumed ${text(resumed)} of ${end} bytes, compiled ${text(again)}`);
    }
    if (!equal(fresh, resumed))
      wrong(`measures ${text(fresh)} of ${end} bytes, resumed ${text(resumed)}`);
    if (fresh.value !== 0) answer = fresh;
  }
  if (isGood && bytes.length > 0 && answer?.value !== bytes.length)
    wrong(`measures ${text(answer)}`);
  // What is refused before it is whole is refused when it is read, too.
  if (answer?.error !== undefined && outcome(() => decode(field, bytes)).error === undefined) {
    wrong(`measure refuses it (${answer.error.message}), decode does not`);
  }
  const { value: length } = answer ?? {};
  if (typeof length === "number" && length !== bytes.length) {
    const { error } = outcome(() => decode(field, bytes));
    if (error === undefined) wrong(`measures ${length}, but decodes all ${bytes.length}`);
  }
}

/** Of lengths beyond every limit the last digits may be off. */
function measured(protocol: Framing, ...args: Parameters<Framing["measure"]>): Outcome {
  return outcome(() => Math.min(protocol.measure(...args), 2 ** 40));
}
