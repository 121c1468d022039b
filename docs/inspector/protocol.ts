import type { Protocol } from "../../src/core/index.ts";
import {
  type AnyProtocol,
  isFileName,
  namedProtocol,
  namePieces,
} from "../../src/inspect/ready/index.ts";
import { unpack } from "./unpack.mjs";

/** The schemas that were typed. */
export interface Schemas {
  readonly schema: string;
  /** Of the other side, for remote calls; empty if it is the same. */
  readonly remote: string;
}

/**
 * The protocol of a name, as `--protocol` of the command line takes it. Schemas are the texts that were typed, whatever the
 * name calls their files.
 *
 * @throws RangeError if there is none
 */
export function protocolFrom(name: string, { schema, remote }: Schemas): AnyProtocol {
  if (isFileName(name.trim())) {
    const command = `npx framewright decode <file> --protocol ${name.trim()}`;
    throw new RangeError(`this page cannot load a program file: use the command line, ${command}`);
  }
  const [first] = namePieces(name);
  const remoteFile =
    first?.name === "sproto-rpc" && remote.trim() !== "" ? first.options.remote : "";
  return namedProtocol(name.trim(), {
    inflate: unpack,
    schema: (file) => (file === remoteFile ? remote : schema),
  });
}

/** True if it finds frames in a stream; else each message is one frame. */
export function isStream(protocol: AnyProtocol): protocol is Protocol<unknown, unknown> {
  return "measure" in protocol && protocol.measure !== undefined;
}
