import {
  bits,
  bytes,
  constant,
  type Field,
  flag,
  latin1,
  prefixed,
  struct,
  u16be,
  u32be,
} from "../../fields/index.ts";
import type { MessageAnswer, MessageRequest } from "./packages.ts";

/**
 * Describes the packages of {@link requestPackages}, for tools: `explain`, `picture`, `valuesOf`,
 * `compatible`.
 *
 * @example
 * ```ts
 * import { explain, hexView } from "framewright/inspect";
 * import { requestFields } from "framewright/skynet";
 *
 * const frame = Uint8Array.of(0, 5, 0x78, 0, 0, 0, 7);
 * console.log(hexView(explain(requestFields(), frame), frame));
 * //=> 0000  00 05        length     u16be   5  (bytes that follow)
 * //=> 0002               body       struct
 * //=> 0002  78             content  bytes   1 byte "x"
 * //=> 0003  00 00 00 07    session  u32be   7
 * ```
 */
export function requestFields(): Field<MessageRequest> {
  return prefixed(u16be, struct({ content: bytes(), session: u32be }));
}

/** Describes the packages of {@link answerPackages}, for tools. */
export function answerFields(): Field<MessageAnswer> {
  return prefixed(
    u16be,
    struct({ content: bytes(), zeros: constant(bits(7), 0), ok: flag, session: u32be }),
  );
}

/** Describes the packages of {@link handshakePackages}, for tools. */
export function handshakeFields(): Field<string> {
  return prefixed(u16be, latin1());
}
