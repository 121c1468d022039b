import { fromDump, fromHex, kindOf } from "../../src/inspect/ready/index.ts";

/** How text is read. */
export type ReadAs = "auto" | "hex" | "dump" | "text";

/** Bytes, and what they were read as. */
export interface Input {
  readonly bytes: Uint8Array;
  readonly as: "hex" | "hex dump" | "text" | "bytes";
}

/** Most bytes that the page takes. */
export const MOST_BYTES: number = 8 * 1024 * 1024;

/** Longer texts are kept out of the text field, which would become slow. */
export const LONGEST_TYPED = 100_000;

/** The bytes of a text. @throws Error if it is not what it should be */
export function fromText(text: string, as: ReadAs): Input {
  return from(new TextEncoder().encode(text), as, "text");
}

/** The bytes of a file: as they are, unless they are hex. @throws Error if the page cannot read it */
export function fromFile(bytes: Uint8Array, as: ReadAs): Input {
  return from(bytes, as, "bytes");
}

function from(bytes: Uint8Array, as: ReadAs, otherwise: "text" | "bytes"): Input {
  const kind = as === "auto" ? kindOf(bytes) : as;
  if (kind === "pcap" && otherwise === "bytes")
    throw new RangeError(
      "this is a capture; the command line reads those: npx framewright decode file.pcapng --protocol ...",
    );
  if (kind === "hex") return limited({ bytes: fromHex(latin1(bytes)), as: "hex" });
  if (kind === "dump") return limited({ bytes: fromDump(latin1(bytes)), as: "hex dump" });
  return limited({ bytes, as: otherwise });
}

const latin1 = (bytes: Uint8Array): string => new TextDecoder("latin1").decode(bytes);

function limited(input: Input): Input {
  if (input.bytes.length <= MOST_BYTES) return input;
  throw new RangeError(
    `more than ${MOST_BYTES / 1024 / 1024} MiB; the command line reads files of any size: npx framewright decode`,
  );
}
