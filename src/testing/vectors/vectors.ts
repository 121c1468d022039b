import {
  type Codec,
  decodeAll,
  encodeFrame,
  isBytes,
  type MessageProtocol,
  ProtocolError,
  type ProtocolErrorCode,
} from "../../core/index.ts";
import { type Explainable, explain, hexView } from "../../inspect/index.ts";
import { equal } from "../equal.ts";
import { hexView as rows } from "../hex.ts";
import type { Law } from "../law.ts";
import { isSeveral } from "../several.ts";
import { shown } from "../show.ts";
import { complete, list, said, sameBytes } from "../subject.ts";
import { fromHex, toHex } from "./portable.ts";

/** Golden bytes and their meaning: hex digits or bytes, the value, and the direction to test. */
export type Vector<In, Out = In> =
  | readonly [bytes: string | Uint8Array, value: In & Out]
  | readonly [bytes: string | Uint8Array, value: Out, only: "decode"]
  | readonly [bytes: string | Uint8Array, value: In, only: "encode"];

/** Options for {@link vectors}. */
export interface VectorsOptions<in Out> {
  /**
   * Compares two received values.
   * @defaultValue {@link equal}, which compares contents and ignores prototypes
   */
  readonly equal?: ((a: Out, b: Out) => boolean) | undefined;
}

/**
 * Tests that golden bytes decode to a value, and that the value encodes to these bytes: for examples of a
 * specification, recorded traffic, and mistakes that reader and writer share. If they differ, the error
 * shows both, with the meaning of each byte.
 *
 * @param protocol - a protocol, a message protocol or a codec
 * @param golden - each a frame in hex (white space is ignored) or as bytes, and its value. A third member
 *   limits the test to one direction. {@link several} values of one frame are only decoded; {@link refuses}
 *   marks bytes that must be refused
 * @param options - `equal`
 *
 * @example
 * ```ts
 * import { lengthPrefixed, utf8 } from "framewright";
 * import { refuses, vectors } from "framewright/testing";
 *
 * const words = lengthPrefixed({ width: 2 }).wrap(utf8());
 * const golden = vectors(words, [
 *   ["0005 68656c6c6f", "hello"],
 *   ["0000", ""],
 *   ["0002 ff", refuses("truncated")],
 * ]);
 * for (const test of golden) await test.check();
 * console.log(golden.map(({ name }) => name));
 * //=> [ 'vector 1: 000568656c6c6f', 'vector 2: 0000', 'vector 3: 0002ff' ]
 * ```
 *
 * @throws SyntaxError for bytes that are not hex
 */
export function vectors<In, Out>(
  protocol: Codec<In, Out>,
  golden: readonly (
    | Vector<NoInfer<In>, NoInfer<Out>>
    | readonly [bytes: string | Uint8Array, value: Refusal]
  )[],
  options: VectorsOptions<NoInfer<Out>> = {},
): Law[] {
  const whole = complete(protocol as Codec<never, unknown> as Codec<unknown>);
  const same = (options.equal as ((a: unknown, b: unknown) => boolean) | undefined) ?? equal;
  return golden.map(([given, value, only], i) => {
    const bytes = typeof given === "string" ? fromHex(given) : given;
    if (!isBytes(bytes)) throw new SyntaxError(`vector ${i + 1} has neither hex text nor bytes`);
    const digits = toHex(bytes.subarray(0, 16));
    return {
      name: `vector ${i + 1}: ${digits}${bytes.length > 16 ? "..." : ""}`,
      why: "bytes of other implementations find mistakes that a test of a protocol against itself cannot",
      check() {
        const differ: Differ = (text, cause) => {
          const lines = [`${whole.name}: ${text}`, ...annotated(protocol as Explainable, bytes)];
          return new Error(lines.join("\n"), cause === undefined ? undefined : { cause });
        };
        if (value instanceof Refusal) checkRefused(whole, bytes, value.code, differ);
        else {
          if (only !== "encode") checkDecoded(whole, bytes, value, same, differ);
          if (only !== "decode" && !isSeveral(value)) checkEncoded(whole, bytes, value, differ);
        }
      },
    };
  });
}

/** The result of {@link refuses}. */
class Refusal {
  readonly code: ProtocolErrorCode | undefined;
  constructor(code: ProtocolErrorCode | undefined) {
    this.code = code;
  }
}

export type { Refusal };

/**
 * Replaces a value of {@link vectors}: the bytes must be refused.
 *
 * @param code - the expected error code
 * @defaultValue any code
 */
export function refuses(code?: ProtocolErrorCode): Refusal {
  return new Refusal(code);
}

/** Makes the error. */
type Differ = (text: string, cause?: unknown) => Error;

function checkRefused(
  protocol: MessageProtocol<unknown>,
  bytes: Uint8Array,
  code: ProtocolErrorCode | undefined,
  differ: Differ,
): void {
  const wanted = code ?? "a ProtocolError";
  let values: readonly unknown[] = [];
  try {
    values = decodeAll(protocol, bytes);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    if (code !== undefined && error.code !== code)
      throw differ(`decode throws ${said(error)} instead of ${wanted}`, error);
    return;
  }
  throw differ(`decode returns ${shown(values)} instead of ${wanted}`);
}

function checkDecoded(
  protocol: MessageProtocol<unknown>,
  bytes: Uint8Array,
  value: unknown,
  same: (a: unknown, b: unknown) => boolean,
  differ: Differ,
): void {
  const wanted = isSeveral(value) ? value.values : [value];
  let values: readonly unknown[];
  try {
    values = decodeAll(protocol, bytes);
  } catch (error) {
    throw differ(`decode throws ${said(error)} instead of returning ${list(wanted)}`, error);
  }
  const isSame = values.length === wanted.length && values.every((one, i) => same(one, wanted[i]));
  if (!isSame) throw differ(`decode returns ${list(values)} instead of ${list(wanted)}`);
}

function checkEncoded(
  protocol: MessageProtocol<unknown>,
  bytes: Uint8Array,
  value: unknown,
  differ: Differ,
): void {
  let written: Uint8Array;
  try {
    written = encodeFrame(protocol, value);
  } catch (error) {
    throw differ(`encode of ${shown(value)} throws ${said(error)}`, error);
  }
  if (sameBytes(written, bytes)) return;
  let at = 0;
  while (at < written.length && written[at] === bytes[at]) at++;
  const view = rows(written, { cuts: [at] }).split("\n");
  const lines = [
    `encode of ${shown(value)} writes ${written.length} bytes, which differ at ${at}:`,
    ...view.map((line) => `    ${line}`),
    "  instead of",
  ];
  throw differ(lines.join("\n"));
}

/** The bytes with the meaning of each, as far as they can be explained. */
function annotated(what: Explainable, bytes: Uint8Array): string[] {
  let view: string;
  try {
    view = hexView(explain(what, bytes), bytes);
  } catch {
    // A codec that cannot be explained, or throws an invalid error.
    view = rows(bytes);
  }
  return view.split("\n").map((line) => `    ${line}`);
}
