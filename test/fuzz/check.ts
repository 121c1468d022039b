import {
  decodeFrame,
  encodeAll,
  encodeFrame,
  type MessageProtocol,
  type Protocol,
  ProtocolError,
  Splitter,
} from "../../src/core/index.ts";
import { equal } from "../../src/testing/equal.ts";

/** A protocol to be fuzzed. */
export interface Case<In = never, Out = unknown> {
  readonly name: string;
  readonly protocol: MessageProtocol<In, Out> | Protocol<In, Out>;
  /** Some values, whose frames are where mutation begins. */
  readonly values: readonly In[];
  /**
   * Can what was read be written, and does it come back the same?
   * @defaultValue true
   */
  readonly rewrites?: boolean;
  /** Some values come back as others that mean the same, which then stay as they are. */
  readonly settles?: boolean;
}

/** Types forgotten: all cases are checked alike. */
export interface AnyCase {
  readonly name: string;
  readonly protocol: Protocol<unknown, unknown>;
  readonly values: readonly unknown[];
  readonly rewrites?: boolean;
  /** Some values come back as others that mean the same, which then stay as they are. */
  readonly settles?: boolean;
}

/** What a target gives to the fuzzer: what is run, and what mutation begins with. */
export interface Target {
  fuzz(data: Uint8Array): void;
  seeds(): Uint8Array[];
  /** Names of the cases; the first byte of an input picks one. */
  readonly cases: readonly string[];
}

export function defineCase<In, Out>(given: Case<In, Out>): AnyCase {
  return given as unknown as AnyCase;
}

/*
 * An input is:   case u8 | cut u8 | the bytes that a peer sends
 */
const HEAD = 2;

/** A target of several protocols. */
export function targetOf(cases: readonly AnyCase[]): Target {
  return {
    cases: cases.map(({ name }) => name),
    fuzz(data) {
      if (data.length < HEAD) return;
      const one = cases[data[0]! % cases.length]!;
      const bytes = data.slice(HEAD);
      if ("measure" in one.protocol) checkStream(one, bytes, data[1]!);
      else checkMessage(one, bytes);
    },
    seeds() {
      return cases.flatMap(({ protocol, values }, i) => {
        const alone = values.map((value) => encodeFrame(protocol, value));
        const isOne = !("measure" in protocol) || values.length === 0;
        const together = isOne ? [new Uint8Array(0)] : [encodeAll(protocol, values)];
        return [...alone, ...together].map((bytes) => Uint8Array.of(i, 3, ...bytes));
      });
    },
  };
}

function expect(holds: boolean, text: string): void {
  if (!holds) throw new Error(text);
}

/** Only ProtocolErrors may come out of a codec. */
function strict<T>(what: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    throw new Error(`${what} throws ${error}`, { cause: error });
  }
}

interface Outcome {
  readonly ends: number[];
  readonly values: unknown[];
  code: string | undefined;
}

function read({ name, protocol }: AnyCase, chunks: Iterable<Uint8Array>): Outcome {
  const reader = protocol.perConnection?.({ context: undefined }) ?? protocol;
  let broken: unknown;
  const splitter = new Splitter({
    maxFrame: reader.maxFrame,
    measure(bytes, start, end, scan) {
      try {
        return strict(`${name}: measure`, () => reader.measure(bytes, start, end, scan));
      } catch (error) {
        if (!(error instanceof ProtocolError)) broken = error;
        throw error;
      }
    },
  });
  const outcome: Outcome = { ends: [], values: [], code: undefined };
  const drain = (): void => {
    while (splitter.next()) {
      const { bytes, start, end } = splitter;
      const values = strict(`${name}: decode`, () =>
        reader.decodeMany === undefined
          ? [reader.decode(bytes, start, end)]
          : reader.decodeMany(bytes, start, end),
      );
      outcome.values.push(...values);
      outcome.ends.push(splitter.offset + end - start);
    }
  };
  try {
    for (const chunk of chunks) {
      splitter.push(chunk);
      drain();
    }
    splitter.finish();
    drain();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    outcome.code = error.code;
  }
  if (broken !== undefined) throw broken;
  return outcome;
}

/** The bytes in pieces of `step` bytes, each in memory of its own, or with a single cut at it. */
function* pieces(bytes: Uint8Array, cut: number): Iterable<Uint8Array> {
  const step = cut & 0x80 ? Math.max(1, (cut & 0x7f) % Math.max(1, bytes.length)) : 1 + (cut & 7);
  if (cut & 0x80) {
    yield bytes.slice(0, step);
    yield bytes.slice(step);
    return;
  }
  for (let at = 0; at < bytes.length; at += step) yield bytes.slice(at, at + step);
}

function checkStream(one: AnyCase, bytes: Uint8Array, cut: number): void {
  const input = bytes.slice();
  const whole = read(one, [input]);
  expect(equal(input, bytes), `${one.name} writes into its input`);
  const parts = read(one, pieces(bytes, cut));
  const said = ({ ends, code }: Outcome): string => `frames to ${ends}, ${code ?? "a clean end"}`;
  expect(
    said(whole) === said(parts),
    `${one.name}: whole ${said(whole)}; cut by ${cut} ${said(parts)}`,
  );
  expect(equal(whole.values, parts.values), `${one.name}: other values when cut by ${cut}`);
  // State belongs to a connection: what came third cannot be written first.
  if (one.protocol.perConnection === undefined)
    for (const value of whole.values) rewrite(one, value);
}

function checkMessage(one: AnyCase, bytes: Uint8Array): void {
  const { name, protocol } = one;
  const input = bytes.slice();
  let values: readonly unknown[];
  try {
    values = strict(`${name}: decode`, () =>
      protocol.decodeMany === undefined
        ? [protocol.decode(input, 0, input.length)]
        : protocol.decodeMany(input, 0, input.length),
    );
  } catch (error) {
    if (error instanceof ProtocolError) return;
    throw error;
  }
  expect(equal(input, bytes), `${name} writes into its input`);
  for (const value of values) rewrite(one, value);
}

/** What was read is written, and read again. */
function rewrite(one: AnyCase, found: unknown): void {
  const { name, rewrites = true, settles = false } = one;
  if (!rewrites) return;
  const value = settles ? readBack(one, found) : found;
  if (value === REFUSED) return;
  const again = readBack(one, value);
  if (again === REFUSED) return;
  expect(
    equal(again, value) || inWords(again) === inWords(value),
    `${name}: a value that was read comes back as another one`,
  );
}

const REFUSED = Symbol("refused");

/** The value, written and read. */
function readBack({ name, protocol }: AnyCase, value: unknown): unknown {
  let frame: Uint8Array;
  try {
    frame = encodeFrame(protocol, value);
  } catch (error) {
    // Text may grow (1e20 comes back with twenty zeros), and 1e999 is read as Infinity.
    if (error instanceof ProtocolError && / exceeds |Infinity/.test(error.message)) return REFUSED;
    throw new Error(`${name}: a value that was read cannot be written: ${error}`, { cause: error });
  }
  return decodeFrame(protocol, frame);
}

/**
 * A value as JSON. It has a minus zero that JavaScript reads and does not write; and PHP writes a large float
 * without fraction as it writes an integer.
 */
function inWords(value: unknown): string | undefined {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === "bigint" ? Number(member) : member,
  );
}
