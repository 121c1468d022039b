import { type Codec, type Framing, type Output, ProtocolError, rebased } from "../core/index.ts";
import { findByte } from "./find-byte.ts";
import { frameLimit } from "./frame-limit.ts";
import { framing, type WrappingFraming } from "./framing.ts";

/** Frames between flags, whose payload is packed so that no flag is in it; see {@link flagged}. */
interface Flagged {
  readonly name: string;
  readonly maxFrame: number | undefined;
  /** The byte that ends each frame. */
  readonly flag: number;
  /** Begin frames with it, too. */
  readonly leading: boolean;
  /** A frame that ends in this byte and the flag was aborted by its sender. */
  readonly abort?: number | undefined;

  /** Packs the bytes written from position `start` on, in place. */
  pack(out: Output, start: number): void;
  /** Returns the payload of packed bytes; undefined if the bytes are the payload. */
  unpack(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined;
  /** Index in the packed bytes of the payload's byte `index`. */
  locate(bytes: Uint8Array, start: number, end: number, index: number): number;
}

/** Makes a framing by flags; `stuffed` and `cobs` are built from it. */
export function flagged(parts: Flagged): WrappingFraming {
  const { flag, leading, pack } = parts;
  const find = findByte(flag);
  const mark = () =>
    ({ name: "flag", kind: "delimiter", size: 1, bytes: Uint8Array.of(flag) }) as const;
  const base = framing({
    name: parts.name,
    maxFrame: frameLimit(parts.maxFrame, leading ? 3 : 2),
    text: false,
    layout: [
      ...(leading ? [mark()] : []),
      {
        ...{ name: "payload", kind: "payload", size: "rest", escaped: true },
        unescape: (bytes, start, end) =>
          parts.unpack(bytes, start, end) ?? bytes.subarray(start, end),
      },
      mark(),
    ],
    measure: measureFlagged(flag, leading, parts.abort),
    // `count`: 1 after the first byte, which may be the flag in front of the bad frame.
    recover(bytes, start, end, scan) {
      if (scan.count === 0 && bytes[start] === flag) scan.at = 1;
      scan.count = 1;
      return find(bytes, start, end, scan) || -1;
    },
    // One flag may end a frame and begin the next, so it need not be there.
    payloadStart: (bytes, start) => (bytes[start] === flag ? start + 1 : start),
    payloadEnd(bytes, start, end) {
      if (bytes[end - 1] === flag) return end - 1;
      throw new ProtocolError("malformed", `frame of ${end - start} bytes ends in no flag`, end);
    },
    open(out) {
      if (leading) out.u8(flag);
    },
    close(out, start) {
      const from = leading ? start + 1 : start;
      pack(out, from);
      if (out.length === from) {
        const text = "an empty payload cannot be told from idle flags";
        throw new ProtocolError("unencodable", text);
      }
      out.u8(flag);
    },
  });
  return Object.freeze<WrappingFraming>({
    ...base,
    wrap: (codec, options) =>
      Object.freeze({ ...base.wrap(unpacking(codec, parts), options), payload: codec }),
  });
}

// `state`: 1 once the first byte of the payload has arrived.
function measureFlagged(
  flag: number,
  leading: boolean,
  abort: number | undefined,
): Framing["measure"] {
  const find = findByte(flag);
  return (bytes, start, end, scan) => {
    if (scan.state === 0) {
      let at = start;
      while (at < end && bytes[at] === flag) at++;
      // The last of several flags may begin a frame; all others are idle.
      const isLead = leading && at > start && !(scan.ended && at === end);
      const idle = at - start - (isLead ? 1 : 0);
      if (idle > 0) return -idle;
      scan.at = at - start;
      if (at === end) return 0;
      scan.state = 1;
    }
    const length = find(bytes, start, end, scan);
    const isAborted = length > 0 && abort !== undefined && bytes[start + length - 2] === abort;
    return isAborted ? -length : length;
  };
}

/** A codec that receives unpacked payloads. */
function unpacking<In, Out>(codec: Codec<In, Out>, parts: Flagged): Codec<In, Out> {
  const unpacked =
    <T>(read: (bytes: Uint8Array, start: number, end: number) => T) =>
    (bytes: Uint8Array, start: number, end: number): T => {
      const payload = parts.unpack(bytes, start, end);
      if (payload === undefined) return read(bytes, start, end);
      try {
        return read(payload, 0, payload.length);
      } catch (error) {
        if (!(error instanceof ProtocolError) || error.offset === undefined) throw error;
        throw rebased(error, parts.locate(bytes, start, end, error.offset) - error.offset);
      }
    };
  return {
    decode: unpacked((bytes, start, end) => codec.decode(bytes, start, end)),
    ...(codec.decodeMany && {
      decodeMany: unpacked((bytes, start, end) => codec.decodeMany!(bytes, start, end)),
    }),
    encode: (value, out) => codec.encode(value, out),
  };
}
