// Both directions of an SMTP connection: lines, and the records of TLS after STARTTLS.
import { bytes, enumOf, protocolOf, struct, u8, u16be } from "framewright/fields";
import { smtp } from "../../../examples/peers/_smtp.ts";
import { inTurn } from "./in-turn.ts";

const records = protocolOf(
  struct({
    type: enumOf(u8, { changeCipherSpec: 20, alert: 21, handshake: 22, data: 23 }),
    version: u16be,
    fragment: bytes(u16be),
  }),
  { name: "tls records", maxFrame: 5 + 2 ** 14 + 256 },
);

export const client = inTurn(
  "smtp client",
  { protocol: smtp, isLast: (line) => line === "STARTTLS" },
  { protocol: records },
);
export const server = inTurn(
  "smtp server",
  { protocol: smtp, isLast: (line) => line === "220 go ahead" },
  { protocol: records },
);
