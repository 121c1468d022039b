import { BlockList, isIP, type Socket } from "node:net";
import { type Clock, ProtocolError, Splitter } from "../../core/index.ts";
import { type ProxyHeader, proxyHeader } from "./proxy-header.ts";

/** Options for `proxyProtocol` of `listen`. */
export interface ProxyProtocolOptions {
  /**
   * Addresses of the proxies: `"10.0.0.7"`, `"10.0.0.0/8"`, `"fd00::/8"`, and `"unix:"` for a server with a
   * `path`. Connections from these addresses must begin with a header; all other connections are read as
   * usual.
   */
  readonly from: readonly string[];
}

/**
 * Returns a function that tells if a socket comes from a proxy.
 *
 * @throws TypeError for an entry that is neither an address nor a network
 */
export function trustedBy({ from }: ProxyProtocolOptions): (socket: Socket) => boolean {
  const list = new BlockList();
  let hasUnix = false;
  if (!Array.isArray(from))
    throw new TypeError("proxyProtocol: from must be an array of addresses");
  for (const entry of from as readonly string[]) {
    if (entry === "unix:") {
      hasUnix = true;
      continue;
    }
    const [address = "", bits, ...more] = String(entry).split("/");
    const version = isIP(address);
    const family = version === 6 ? "ipv6" : "ipv4";
    const most = version === 6 ? 128 : 32;
    const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : Infinity;
    if (version === 0 || prefix > most || more.length > 0) {
      throw new TypeError(
        `proxyProtocol: "${entry}" is not an address, a network (10.0.0.0/8), or unix:`,
      );
    }
    if (prefix === most) list.addAddress(address, family);
    else list.addSubnet(address, prefix, family);
  }
  return ({ remoteAddress }) => {
    if (remoteAddress === undefined) return hasUnix;
    // An IPv4 address on a socket of both families.
    const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(remoteAddress)?.[1];
    const address = mapped ?? remoteAddress.replace(/%.*$/, "");
    return list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
  };
}

/** Time limit and callbacks for reading the header. */
export interface HeaderReader {
  readonly clock: Clock;
  /** Time limit in milliseconds; Infinity: no limit. */
  readonly timeout: number;
  /** Called with the header; bytes after it are back in the socket, which is paused. */
  done(header: ProxyHeader): void;
  /** Called if there is no valid header. The socket is left as it is. */
  failed(error: ProtocolError): void;
}

/**
 * Reads the header from a socket. A peer that closes without sending a byte (a health check) is not a
 * failure.
 */
export function readProxyHeader(socket: Socket, reader: HeaderReader): void {
  const splitter = new Splitter(proxyHeader());
  const { clock, timeout } = reader;
  const cancel =
    timeout === Infinity
      ? () => {}
      : clock.after(timeout, () => {
          fail(new ProtocolError("timeout", `no PROXY header within ${timeout} ms`));
        });
  const stop = (): void => {
    cancel();
    socket.off("data", received).off("end", ended).off("close", stop).off("error", ignore);
    socket.pause();
  };
  const ignore = (): void => {};
  const fail = (error: ProtocolError): void => {
    stop();
    reader.failed(error);
  };
  const received = (chunk: Uint8Array): void => {
    let header: ProxyHeader;
    try {
      splitter.push(chunk);
      if (!splitter.next()) return;
      header = proxyHeader().decode(splitter.bytes, splitter.start, splitter.end);
    } catch (error) {
      fail(error as ProtocolError);
      return;
    }
    stop();
    const rest = splitter.rest();
    if (rest.length > 0) socket.unshift(rest);
    reader.done(header);
  };
  const ended = (): void => {
    const length = splitter.pending;
    if (length > 0) {
      fail(
        new ProtocolError("truncated", `the peer ended after ${length} bytes of a PROXY header`),
      );
      return;
    }
    stop();
    socket.destroy();
  };
  socket.on("data", received).on("end", ended).on("close", stop).on("error", ignore);
}
