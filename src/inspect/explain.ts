import {
  type Codec,
  type Format,
  type FrameLayout,
  type Framing,
  plain,
  raw,
} from "../core/index.ts";
import type { AnyField } from "../fields/index.ts";
import { type Extent, explainFrame, extentOf } from "./explain-frame.ts";
import { addUnread, explainWith } from "./explain-with.ts";
import { explainerOf } from "./formats/explainer-of.ts";
import { outcomeOf, type Reader } from "./outcome.ts";
import type { Draft, Part } from "./part.ts";

/** The members of a protocol, a codec or a framing that `explain` uses. */
export interface ExplainableProtocol {
  readonly name?: string | undefined;
  /** A description of the whole frame. */
  readonly field?: AnyField | undefined;
  /** The format, if it is one of this package. */
  readonly format?: Format | undefined;
  /** The parts of a frame. */
  readonly layout?: FrameLayout | undefined;
  /** The payload: a description or a codec. */
  readonly payload?: Explainable | undefined;
  readonly measure?: Framing["measure"] | undefined;
  readonly maxFrame?: number | undefined;
  readonly decode?: Codec<never, unknown>["decode"] | undefined;
  readonly decodeMany?: Codec<never, unknown>["decodeMany"] | undefined;
  /** Only framings have this method. */
  wrap?(codec: never): Codec<never, unknown>;
}

/** What {@link explain} can explain: a description, a protocol, a codec, or a framing. */
export type Explainable = AnyField | ExplainableProtocol;

/**
 * Explains bytes piece by piece, even if they are invalid: then the result contains the parts before the
 * fault, the rest as one part `?`, and in `error` the error that `decode` throws. Invalid bytes never make
 * `explain` itself throw.
 *
 * The value is the result of `decode`; for a frame that does not hold exactly one value, it is the list of
 * its values. Bytes that a framing skips before or after the frame are parts with the name `idle`.
 *
 * To describe the payload of a framing: `explain({ ...lengthPrefixed({ width: 2 }), payload: chat }, frame)`.
 *
 * @param what - a description, a protocol, a codec, or a framing
 * @param bytes - one frame or message
 * @param start - index of the first byte
 * @param end - index after the last byte
 * @defaultValue all of `bytes`
 * @throws TypeError if `what` is none of these
 *
 * @example
 * ```ts
 * import { bytes, size, struct, u8 } from "framewright/fields";
 * import { explain, hexView } from "framewright/inspect";
 *
 * const packet = struct({ kind: u8, length: size(u8, "body"), body: bytes() });
 * const frame = Uint8Array.of(7, 2, 0x68, 0x69);
 * console.log(hexView(explain(packet, frame), frame));
 * //=> 0000  07     kind    u8     7
 * //=> 0001  02     length  u8     2  (bytes of body)
 * //=> 0002  68 69  body    bytes  2 bytes "hi"
 * ```
 */
export function explain(
  what: Explainable,
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
): Part {
  const all = plain(bytes);
  const root = draft(what, nameOf(what), all, start, end);
  const isDescribed = isField(what) || what.field !== undefined;
  const reader = readerOf(what);
  if (reader !== undefined) {
    const outcome = outcomeOf(reader, isField(what) ? undefined : framingOf(what), all, start, end);
    if (outcome.error !== undefined) {
      root.error = outcome.error;
      delete root.value;
    } else if (!isDescribed) setValue(what, root, outcome.value);
  }
  addUnread(root, all, end, root.error?.message);
  return root;
}

const isField = (what: Explainable): what is AnyField => "node" in what;

const nameOf = (what: Explainable): string => (isField(what) ? "" : (what.name ?? ""));

/**
 * The value of a frame is the value of its payload, if the payload has no further parts, and the value does
 * not hold header bytes, too.
 */
function setValue(what: ExplainableProtocol, root: Draft, value: unknown): void {
  if (value === undefined) return;
  root.value = value;
  if (root.type !== "frame") return;
  const { payload: codec, layout = [] } = what;
  if (codec && layout.some(({ kind, bytes }) => kind === "header" && bytes === undefined)) return;
  const payloads = root.parts?.filter(({ hidden }) => hidden !== true) ?? [];
  const [payload] = payloads;
  if (payloads.length === 1 && payload!.parts === undefined) payload!.value = value;
}

/** The complete framing, if it is one: with its layout, errors have more detail. */
function framingOf(what: ExplainableProtocol): Framing | undefined {
  const { measure, maxFrame = Number.MAX_SAFE_INTEGER } = what;
  return measure === undefined ? undefined : ({ ...what, measure, maxFrame } as Framing);
}

/** The decoder of the value: for a framing, its codec for the payload. */
function readerOf(what: Explainable): Reader | undefined {
  if (isField(what)) return what;
  if (what.decode !== undefined) return what as Reader;
  if (what.field !== undefined) return what.field;
  const { payload = raw() } = what;
  const codec = isField(payload) ? payload : payload.decode === undefined ? raw() : payload;
  try {
    return what.wrap?.(codec as never) ?? (what.measure && UNREAD);
  } catch {
    // Framings with bytes before their length have no separate payload.
    return UNREAD;
  }
}

const UNREAD: Reader = { decode: () => undefined };

/** The parts, as far as the bytes are valid. */
function draft(
  what: Explainable,
  name: string,
  bytes: Uint8Array,
  start: number,
  end: number,
): Draft {
  if (isField(what)) return explainWith(what, name, bytes, start, end);
  if (what.field !== undefined) return explainWith(what.field, name, bytes, start, end);
  const { format, layout, payload } = what;
  const explainer = format === undefined ? undefined : explainerOf(format.name);
  if (explainer !== undefined) {
    const framing = framingOf(what);
    const { to = end } = framing === undefined ? {} : extentOf(framing, bytes, start, end);
    return explainer({
      format: format!,
      name,
      bytes,
      start,
      end: Math.min(to, end),
      draft: (inner, part, from, until, all = bytes) => whole(inner, part, all, from, until),
    });
  }
  if (layout !== undefined) return frame(what, layout, name, bytes, start, end);
  if (payload !== undefined) return draft(payload, name, bytes, start, end);
  if (readerOf(what) === undefined) {
    throw new TypeError("explain needs a description, a protocol, a codec or a framing");
  }
  return leaf(what, name, bytes, start, end);
}

function frame(
  what: ExplainableProtocol,
  layout: FrameLayout,
  name: string,
  bytes: Uint8Array,
  start: number,
  end: number,
): Draft {
  const framing = framingOf(what);
  const extent: Extent =
    framing === undefined ? { from: start, to: end } : extentOf(framing, bytes, start, end);
  const { payload } = what;
  const payloadOf =
    payload === undefined
      ? undefined
      : (part: string, own: Uint8Array, from: number, to: number) =>
          whole(payload, part, own, from, to);
  const { from, to = end } = extent;
  const parts = explainFrame(layout, payloadOf, bytes, extent, end);
  if (from > start) parts.unshift(idle(bytes, start, from));
  const isWhole = framing !== undefined && to < end && onlyIdle(framing, bytes, to, end);
  if (isWhole) parts.push(idle(bytes, to, end));
  return { name, start, end, type: "frame", parts };
}

const idle = (bytes: Uint8Array, start: number, end: number): Draft => ({
  name: "idle",
  start,
  end,
  type: "bytes",
  value: bytes.subarray(start, end),
  note: "skipped",
  hidden: true,
});

/** True if a framing skips all of these bytes. */
function onlyIdle(framing: Framing, bytes: Uint8Array, start: number, end: number): boolean {
  const { from, to, fault } = extentOf(framing, bytes, start, end);
  return from === end && to === undefined && fault === undefined;
}

/** A part that shows all of its bytes, valid or not. */
function whole(
  what: Explainable,
  name: string,
  bytes: Uint8Array,
  start: number,
  end: number,
): Draft {
  const part = draft(what, name, bytes, start, end);
  addUnread(part, bytes, end, undefined);
  return part;
}

/** Bytes that only their codec can read. */
function leaf(
  what: ExplainableProtocol,
  name: string,
  bytes: Uint8Array,
  start: number,
  end: number,
): Draft {
  const outcome = outcomeOf(what as Reader, undefined, bytes, start, end);
  const part: Draft = { name, start, end, type: "bytes" };
  if (outcome.error === undefined) part.value = outcome.value;
  else part.value = bytes.subarray(start, end);
  return part;
}
