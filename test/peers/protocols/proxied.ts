// A header of the PROXY protocol, and then lines.
import { latin1, lines } from "framewright";
import { proxyHeader } from "framewright/node";
import { inTurn } from "./in-turn.ts";

export const client = inTurn(
  "proxied client",
  { protocol: proxyHeader() },
  { protocol: lines({ ending: "\r\n" }).wrap(latin1()) },
);
