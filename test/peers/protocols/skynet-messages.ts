// Both directions of a connection to a message server of skynet: a handshake, and then requests or answers.
import { answerPackages, handshakePackages, requestPackages } from "framewright/skynet";
import { inTurn } from "./in-turn.ts";

const handshake = { protocol: handshakePackages() };

export const client = inTurn("skynet client", handshake, { protocol: requestPackages() });
export const server = inTurn("skynet server", handshake, { protocol: answerPackages() });
