import { latin1, type Protocol } from "../../core/index.ts";
import { delimited } from "../../framing/index.ts";

/** Longest line in bytes, its LF included: the limit of skynet's servers. */
const MAX_LINE = 8192;

/** Protocol of a login's lines, which end in LF alone: base64, and a status at the end. */
export function loginLines(): Protocol<string> {
  return delimited("\n", { maxFrame: MAX_LINE }).wrap(latin1(), { name: "skynet login" });
}
