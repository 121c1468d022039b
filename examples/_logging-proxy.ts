// A logging proxy in ten lines. It forwards every byte unchanged; the tap decodes copies. If decoding
// fails, only the log ends.
import { type Protocol, raw } from "framewright";
import { pieces } from "framewright/framing";
import { connect, listen, pipe, type Server } from "framewright/node";

const bytes = pieces().wrap(raw());

export function loggingProxy<T>(
  to: { readonly host: string; readonly port: number },
  protocol: Protocol<never, T>,
  log: (line: string) => void,
): Promise<Server<Uint8Array, Uint8Array, undefined, number>> {
  const side = (arrow: string) => ({
    protocol,
    message: (value: T) => log(`${arrow} ${JSON.stringify(value)}`),
    error: (error: unknown) => log(`${arrow} not logged any more: ${error}`),
  });
  return listen(bytes, {
    host: "127.0.0.1",
    port: 0,
    firstMessageTimeout: 0, // a client may wait until the server sends first
    async open(client) {
      const server = await connect(bytes, to);
      pipe(client, server, { tap: { a: side(">"), b: side("<") } });
    },
  });
}
