import type { Saboteur } from "../saboteurs/saboteur.ts";
import { batched } from "./batched.ts";
import { byHand } from "./by-hand.ts";
import { checked } from "./checked.ts";
import { decodeOnly } from "./decode-only.ts";
import { fromDescriptions } from "./described.ts";
import { linesWithPayload } from "./lines-with-payload.ts";
import { ofNames } from "./names.ts";
import { stuffedOnes } from "./stuffed.ts";
import { walked } from "./walked.ts";
import { withState } from "./with-state.ts";
import { wrapped } from "./wrapped.ts";

/** Protocols of different kinds, each with the mistakes that were planted into it. */
export const planted: ReadonlyMap<string, readonly Saboteur[]> = new Map([
  ["by hand", byHand],
  ["described", fromDescriptions],
  ["wrapped", wrapped],
  ["walked", walked],
  ["stuffed", stuffedOnes],
  ["batched", batched],
  ["with state", withState],
  ["decode only", decodeOnly],
  ["lines with a payload", linesWithPayload],
  ["messages", ofNames],
  ["with a checksum", checked],
]);
