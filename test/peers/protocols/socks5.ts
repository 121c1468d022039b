// Both directions of a SOCKS5 connection, with what goes through the tunnel as bytes.
import { raw } from "framewright";
import { pieces } from "framewright/framing";
import {
  choice,
  greeting,
  login,
  loginReply,
  reply,
  request,
} from "../../../examples/peers/socks5.ts";
import { inTurn } from "./in-turn.ts";

const tunnel = { protocol: pieces({ most: 2 ** 20 }).wrap(raw()) };

export const client = inTurn(
  "socks5 client",
  ...[{ protocol: greeting }, { protocol: login }, { protocol: request }, tunnel],
);
export const server = inTurn(
  "socks5 server",
  ...[{ protocol: choice }, { protocol: loginReply }, { protocol: reply }, tunnel],
);
