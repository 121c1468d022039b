import {
  decodeValues,
  exactFrame,
  type Framing,
  forOneStream,
  type MessageProtocol,
  ProtocolError,
} from "../core/index.ts";
import type { PartError } from "./part.ts";

/** The result of `decode`: a value, or the error. */
export type Outcome =
  | { readonly value: unknown; readonly error?: undefined }
  | { readonly error: PartError };

/** The decoder of a frame, a message or a payload. */
export type Reader = Pick<MessageProtocol<never, unknown>, "decode" | "decodeMany"> & {
  readonly maxFrame?: number | undefined;
};

/** Decodes one frame or message. If it holds no value or several, the result is a list. */
export function outcomeOf(
  reader: Reader,
  framing: Framing | undefined,
  bytes: Uint8Array,
  start: number,
  end: number,
): Outcome {
  try {
    const own = forOneStream(reader as MessageProtocol<never, unknown>);
    const { maxFrame = Number.POSITIVE_INFINITY } = reader;
    if (framing === undefined && end - start > maxFrame) {
      const text = `message of ${end - start} bytes exceeds maxFrame ${maxFrame}`;
      throw new ProtocolError("too-long", text, start);
    }
    const isFramed = framing !== undefined;
    const [from, to] = isFramed ? exactFrame(framing, bytes, start, end) : [start, end];
    const values = decodeValues(own, bytes, from, to);
    return { value: values.length === 1 ? values[0] : values };
  } catch (error) {
    return { error: errorOf(error) };
  }
}

/** Converts an error to data. */
function errorOf(thrown: unknown): PartError {
  if (!(thrown instanceof ProtocolError)) {
    return { code: "malformed", message: thrown instanceof Error ? thrown.message : "an error" };
  }
  const { code, message, offset, path } = thrown;
  return {
    code,
    message,
    ...(offset !== undefined && { offset }),
    ...(path !== undefined && { path: Array.from(path) }),
  };
}
