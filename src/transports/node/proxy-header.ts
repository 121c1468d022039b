import { isIPv4, isIPv6 } from "node:net";
import {
  checkInteger,
  crc32,
  decodeLatin1,
  defineProtocol,
  type Output,
  type Protocol,
  ProtocolError,
  u16be,
  u32be,
} from "../../core/index.ts";

/** One end of a proxied connection. */
export interface ProxyEndpoint {
  /** An IP address, or the path of a Unix domain socket. */
  readonly address: string;
  /** The port; 0 for a Unix domain socket. */
  readonly port: number;
}

/** An additional value of a version 2 header. */
export interface ProxyTlv {
  /** Its type: 1 is the ALPN protocol, 2 the host name that the client requested, 0x20 details of its TLS. */
  readonly type: number;
  /** Its bytes. */
  readonly value: Uint8Array;
}

/** A header of the PROXY protocol: the client that connected to the proxy. */
export interface ProxyHeader {
  /** Version of the protocol: 1 is a text line, 2 is binary. */
  readonly version: 1 | 2;
  /**
   * The client; undefined for a connection of the proxy itself (LOCAL, a health check) or an unknown client
   * (UNKNOWN).
   */
  readonly source?: ProxyEndpoint | undefined;
  /** The address that the client connected to; undefined like `source`. */
  readonly destination?: ProxyEndpoint | undefined;
  /** True if the proxy itself opened the connection: the command LOCAL of version 2. */
  readonly isLocal?: boolean | undefined;
  /** Additional values, in the order of the header; version 2 only. */
  readonly tlvs?: readonly ProxyTlv[] | undefined;
}

const SIGNATURE = Uint8Array.of(13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10);
const PROXY = Uint8Array.of(80, 82, 79, 88, 89, 32);
/** Maximum length of a version 1 line, including its CRLF. */
const LINE = 107;
const PREFIX = 16;

/** Size of an address in bytes, by the family of version 2: IPv4, IPv6, Unix. */
const SIZES = [0, 4, 16, 108];
const CRC32C = 3;
const crc32c = /* @__PURE__ */ crc32("iscsi");

function malformed(reason: string, offset: number): ProtocolError {
  return new ProtocolError("malformed", `PROXY header: ${reason}`, offset);
}

function measure(bytes: Uint8Array, start: number, end: number): number {
  const isBinary = bytes[start] === SIGNATURE[0];
  const mark = isBinary ? SIGNATURE : PROXY;
  for (let at = 0; at < mark.length && start + at < end; at++) {
    if (bytes[start + at] !== mark[at]) {
      throw malformed("not a header of version 1 or 2", start + at);
    }
  }
  if (isBinary) return end - start < PREFIX ? 0 : PREFIX + u16be(bytes, start + 14);
  const last = Math.min(end, start + LINE);
  for (let at = start + PROXY.length; at < last; at++) {
    if (bytes[at] !== 10) continue;
    if (bytes[at - 1] !== 13) throw malformed("the line ends in LF without CR", at);
    return at + 1 - start;
  }
  if (last === start + LINE) throw malformed(`no end of the line within ${LINE} bytes`, start);
  return 0;
}

function decodeLine(bytes: Uint8Array, start: number, end: number): ProxyHeader {
  const line = decodeLatin1(bytes, start + PROXY.length, end - 2);
  const [family, source, destination, from, to, ...more] = line.split(" ");
  if (family === "UNKNOWN") return { version: 1 };
  const isAddress = family === "TCP4" ? isIPv4 : family === "TCP6" ? isIPv6 : undefined;
  if (isAddress === undefined) throw malformed("unknown address family", start + PROXY.length);
  const isWhole = more.length === 0 && isAddress(source ?? "") && isAddress(destination ?? "");
  if (!isWhole || !isPort(from) || !isPort(to)) {
    throw malformed("the line does not hold two addresses and two ports", start + PROXY.length);
  }
  return {
    version: 1,
    source: { address: source!, port: Number(from) },
    destination: { address: destination!, port: Number(to) },
  };
}

const isPort = (text: string | undefined): boolean =>
  text !== undefined && /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 0xffff;

function decodeBinary(bytes: Uint8Array, start: number, end: number): ProxyHeader {
  const versionAndCommand = bytes[start + 12]!;
  const command = versionAndCommand & 0xf;
  if (versionAndCommand >> 4 !== 2) {
    throw malformed(`version ${versionAndCommand >> 4}`, start + 12);
  }
  if (command > 1) throw malformed(`command ${command}`, start + 12);
  const family = bytes[start + 13]! >> 4;
  const kind = bytes[start + 13]! & 0xf;
  // Everything after LOCAL is skipped.
  if (command === 0) return { version: 2, isLocal: true };
  if (family > 3 || kind > 2 || (family === 0) !== (kind === 0)) {
    throw malformed(`family ${family}, protocol ${kind}`, start + 13);
  }
  const size = SIZES[family]!;
  const ports = family === 1 || family === 2 ? 4 : 0;
  let at = start + PREFIX;
  const addresses = size === 0 ? 0 : 2 * size + ports;
  if (at + addresses > end) {
    throw malformed(`${end - at} bytes of addresses, not ${addresses}`, start + 14);
  }
  let ends: Pick<ProxyHeader, "source" | "destination"> = {};
  if (addresses > 0) {
    const port = (index: number): number => (ports > 0 ? u16be(bytes, at + 2 * size + index) : 0);
    ends = {
      source: { address: addressOf(bytes, at, size), port: port(0) },
      destination: { address: addressOf(bytes, at + size, size), port: port(2) },
    };
  }
  at += addresses;
  const tlvs: ProxyTlv[] = [];
  while (at < end) {
    const length = at + 3 <= end ? u16be(bytes, at + 1) : Infinity;
    if (at + 3 + length > end) throw malformed("a value extends beyond the header", at);
    const value = bytes.subarray(at + 3, at + 3 + length);
    if (bytes[at] === CRC32C) checkSum(bytes, start, end, at + 3, length);
    tlvs.push({ type: bytes[at]!, value });
    at += 3 + length;
  }
  return { version: 2, ...ends, tlvs };
}

/** Checks the checksum of the whole header, in which the checksum itself counts as zeros. */
function checkSum(bytes: Uint8Array, start: number, end: number, at: number, length: number): void {
  if (length !== 4) throw malformed(`a checksum of ${length} bytes, not 4`, at);
  const whole = bytes.slice(start, end);
  whole.fill(0, at - start, at - start + 4);
  if (crc32c(whole, 0, whole.length) >>> 0 !== u32be(bytes, at))
    throw malformed("wrong checksum", at);
}

function addressOf(bytes: Uint8Array, at: number, size: number): string {
  if (size === 4) return bytes.subarray(at, at + 4).join(".");
  if (size === 16) {
    const groups = Array.from({ length: 8 }, (_, n) => u16be(bytes, at + 2 * n).toString(16));
    return shortened(groups);
  }
  const zero = bytes.indexOf(0, at);
  return decodeLatin1(bytes, at, zero < 0 || zero > at + size ? at + size : zero);
}

/** An IPv6 address in its usual form: the longest run of zeros is replaced by `::`. */
function shortened(groups: readonly string[]): string {
  let best = 0;
  let from = 0;
  for (let n = 0; n < 8; n++) {
    let length = 0;
    while (groups[n + length] === "0") length++;
    if (length > best) [best, from] = [length, n];
  }
  if (best < 2) return groups.join(":");
  return `${groups.slice(0, from).join(":")}::${groups.slice(from + best).join(":")}`;
}

function encode(header: ProxyHeader, out: Output): void {
  const { version, source, destination, isLocal = false, tlvs = [] } = header;
  const family = source === undefined || destination === undefined ? 0 : familyOf(header);
  if (version === 1) {
    if (isLocal || tlvs.length > 0 || family === 3) {
      throw new ProtocolError("unencodable", "PROXY header: this header needs version 2");
    }
    const ends = `${source?.address} ${destination?.address} ${source?.port} ${destination?.port}`;
    out.utf8(family === 0 ? "PROXY UNKNOWN\r\n" : `PROXY TCP${family === 1 ? 4 : 6} ${ends}\r\n`);
    return;
  }
  out.bytes(SIGNATURE).u8(isLocal ? 0x20 : 0x21);
  out.u8(isLocal || family === 0 ? 0 : (family << 4) | 1);
  out.sized(2, "be", () => {
    if (isLocal) return;
    if (family > 0) {
      for (const end of [source!, destination!]) writeAddress(end.address, family, out);
      if (family < 3) out.u16be(source!.port).u16be(destination!.port);
    }
    for (const { type, value } of tlvs) out.u8(type).u16be(value.length).bytes(value);
  });
}

/**
 * @throws ProtocolError `unencodable` if the two addresses are not of the same family, or a port is invalid
 */
function familyOf({ source, destination }: ProxyHeader): number {
  const families = [source!, destination!].map(({ address, port }) => {
    try {
      checkInteger("port", port, 0, 0xffff);
    } catch (cause) {
      throw new ProtocolError("unencodable", (cause as Error).message, undefined, { cause });
    }
    return isIPv4(address) ? 1 : isIPv6(address) ? 2 : 3;
  });
  if (families[0] !== families[1]) {
    throw new ProtocolError("unencodable", "PROXY header: the addresses are of different families");
  }
  return families[0]!;
}

function writeAddress(address: string, family: number, out: Output): void {
  if (family === 1) {
    for (const part of address.split(".")) out.u8(Number(part));
    return;
  }
  const from = out.length;
  if (family === 3) {
    out.utf8(address);
    if (out.length - from > 108) {
      throw new ProtocolError("unencodable", "PROXY header: a path of more than 108 bytes");
    }
    while (out.length - from < 108) out.u8(0);
    return;
  }
  const plain = address
    .replace(/%.*$/, "")
    .replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) => {
      const pair = (high: string, low: string): string =>
        ((Number(high) << 8) | Number(low)).toString(16);
      return `${pair(a, b)}:${pair(c, d)}`;
    });
  const [head = "", tail] = plain.split("::");
  const groups = (text: string | undefined): string[] => (text ? text.split(":") : []);
  const [first, last] = [groups(head), groups(tail)];
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => "0");
  for (const group of [...first, ...zeros, ...last]) out.u16be(Number.parseInt(group, 16));
}

/** The header as a protocol: one frame at the beginning of a stream. */
const header: Protocol<ProxyHeader> = /* @__PURE__ */ defineProtocol<ProxyHeader>({
  name: "proxy-header",
  maxFrame: PREFIX + 0xffff,
  measure,
  decode: (bytes, start, end) =>
    bytes[start] === SIGNATURE[0] ? decodeBinary(bytes, start, end) : decodeLine(bytes, start, end),
  encode,
});

/**
 * Returns the protocol of the header that a proxy sends first, to tell the server the address of its
 * client: the PROXY protocol of HAProxy, versions 1 and 2. Servers that receive it use the option
 * `proxyProtocol` of `listen`; this function is for proxies.
 *
 * @example
 * ```ts
 * import { decodeFrame, decodeUtf8, encodeFrame } from "framewright";
 * import { proxyHeader } from "framewright/node";
 *
 * const source = { address: "192.0.2.1", port: 51_000 };
 * const destination = { address: "192.0.2.9", port: 443 };
 * const line = encodeFrame(proxyHeader(), { version: 1, source, destination });
 * console.log(decodeUtf8(line, 0, line.length).trim());
 * const binary = encodeFrame(proxyHeader(), { version: 2, source, destination });
 * console.log(binary.length, decodeFrame(proxyHeader(), binary).source?.address);
 * //=> PROXY TCP4 192.0.2.1 192.0.2.9 51000 443
 * //=> 28 192.0.2.1
 * ```
 */
export function proxyHeader(): Protocol<ProxyHeader> {
  return header;
}
