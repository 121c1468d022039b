import { isIPv6 } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crc32 } from "../../../../src/framing/index.ts";
import { decodeAll, decodeFrame, encodeFrame, Splitter } from "../../../../src/index.ts";
import { laws } from "../../../../src/testing/index.ts";
import { type ProxyHeader, proxyHeader } from "../../../../src/transports/node/index.ts";
import { trustedBy } from "../../../../src/transports/node/proxy-front.ts";
import { thrownBy } from "../../../support/thrown.ts";

const protocol = proxyHeader();
const bytesOf = (hex: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(hex.match(/[0-9a-f]{2}/g) ?? [], (pair) => Number.parseInt(pair, 16));
const textOf = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
const ofText = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

const signature = "0d0a0d0a000d0a515549540a";
const v4: ProxyHeader = {
  version: 2,
  source: { address: "192.0.2.1", port: 51_000 },
  destination: { address: "198.51.100.9", port: 443 },
  tlvs: [],
};

// As HAProxy writes them.
const vectors: [string, ProxyHeader, string][] = [
  ["TCP over IPv4", v4, `${signature}2111000cc0000201c6336409c73801bb`],
  [
    "TCP over IPv6",
    {
      ...v4,
      source: { address: "2001:db8::1", port: 1 },
      destination: { address: "::ffff:102:304", port: 65_535 },
    },
    `${signature}2121002420010db800000000000000000000000100000000000000000000ffff010203040001ffff`,
  ],
  [
    "a Unix domain socket",
    { ...v4, source: { address: "/a", port: 0 }, destination: { address: "/run/b", port: 0 } },
    `${signature}213100d82f61${"00".repeat(106)}2f72756e2f62${"00".repeat(102)}`,
  ],
  ["LOCAL", { version: 2, isLocal: true }, `${signature}20000000`],
  ["an unknown client", { version: 2, tlvs: [] }, `${signature}21000000`],
  [
    "further values",
    {
      ...v4,
      tlvs: [
        { type: 2, value: ofText("a.example") },
        { type: 4, value: new Uint8Array(0) },
      ],
    },
    `${signature}2111001bc0000201c6336409c73801bb020009612e6578616d706c65040000`,
  ],
];

describe("proxyHeader", () => {
  it.each(vectors)("reads and writes version 2 for %s", (_, header, hex) => {
    expect(decodeFrame(protocol, bytesOf(hex))).toEqual(header);
    expect(Buffer.from(encodeFrame(protocol, header)).toString("hex")).toBe(hex);
  });

  it("reads and writes version 1", () => {
    const line = "PROXY TCP4 192.0.2.1 198.51.100.9 51000 443\r\n";
    const { tlvs: _, ...ends } = v4;
    expect(decodeFrame(protocol, ofText(line))).toEqual({ ...ends, version: 1 });
    expect(textOf(encodeFrame(protocol, { ...ends, version: 1 }))).toBe(line);
    const six = "PROXY TCP6 2001:db8::1 ::1 0 65535\r\n";
    expect(textOf(encodeFrame(protocol, decodeFrame(protocol, ofText(six))))).toBe(six);
    const longest = `PROXY UNKNOWN ${"ffff:".repeat(7)}ffff ${"ffff:".repeat(7)}ffff 65535 65535\r\n`;
    expect(longest.length).toBe(107);
    for (const unknown of ["PROXY UNKNOWN\r\n", "PROXY UNKNOWN what ever\r\n", longest]) {
      expect(decodeFrame(protocol, ofText(unknown))).toEqual({ version: 1 });
    }
    expect(textOf(encodeFrame(protocol, { version: 1 }))).toBe("PROXY UNKNOWN\r\n");
  });

  it("passes over what follows LOCAL, and finds the bytes that follow a header", () => {
    const local = `${signature}20110010c0000201c6336409c73801bb00112233`;
    expect(decodeFrame(protocol, bytesOf(local))).toEqual({ version: 2, isLocal: true });
    const splitter = new Splitter(protocol);
    splitter.push(bytesOf(`${vectors[0]![2]}474554`));
    expect(splitter.next()).toBe(true);
    expect(textOf(splitter.rest())).toBe("GET");
  });

  it.each([
    ["version 3", `${signature}31110000`, "version 3"],
    ["another command", `${signature}22110000`, "command 2"],
    ["an unknown family", `${signature}2141000cc0000201c6336409c73801bb`, "family 4"],
    ["an unknown protocol", `${signature}2113000cc0000201c6336409c73801bb`, "protocol 3"],
    ["a family without a protocol", `${signature}2110000cc0000201c6336409c73801bb`, "protocol 0"],
    ["too few addresses", `${signature}2111000bc0000201c6336409c73801`, "11 bytes of addresses"],
    ["a value that is cut", `${signature}21000004020009ff`, "beyond the header"],
    ["the beginning of a value", `${signature}210000020200`, "beyond the header"],
    ["another signature", "0d0a0d0a000d0a515549540b", "not a header of version 1 or 2"],
    ["HTTP", "474554202f", "not a header of version 1 or 2"],
    ["a TLS handshake", "160301", "not a header of version 1 or 2"],
    ["a lower-case line", "70726f7879", "not a header of version 1 or 2"],
  ])("refuses %s", (_, hex, reason) => {
    const error = thrownBy(() => decodeAll(protocol, bytesOf(hex)));
    expect(error).toMatchObject({ code: "malformed", message: expect.stringContaining(reason) });
  });

  it.each([
    "TCP4 192.0.2.1 198.51.100.9 51000",
    "TCP4 192.0.2.1 198.51.100.9 51000 443 1",
    "TCP4  192.0.2.1 198.51.100.9 51000 443",
    "TCP4 192.0.2.01 198.51.100.9 51000 443",
    "TCP4 ::1 ::1 51000 443",
    "TCP6 192.0.2.1 198.51.100.9 51000 443",
    "TCP4 192.0.2.1 198.51.100.9 65536 443",
    "TCP4 192.0.2.1 198.51.100.9 051 443",
    "TCP4 192.0.2.1 198.51.100.9 -1 443",
    "UDP4 192.0.2.1 198.51.100.9 51 443",
    "",
    "UNKNOWNs",
  ])("refuses the line %j", (line) => {
    const bytes = ofText(`PROXY ${line}\r\n`);
    expect(thrownBy(() => decodeAll(protocol, bytes))).toMatchObject({ code: "malformed" });
  });

  it("refuses a line without an end, at 107 bytes", () => {
    const splitter = new Splitter(protocol);
    splitter.push(ofText(`PROXY UNKNOWN ${"x".repeat(92)}`));
    expect(splitter.next()).toBe(false);
    splitter.push(ofText("x"));
    expect(thrownBy(() => splitter.next())).toMatchObject({ code: "malformed" });
    expect(thrownBy(() => decodeAll(protocol, ofText("PROXY UNKNOWN\n")))).toMatchObject({
      code: "malformed",
    });
  });

  it("checks a checksum", () => {
    // CRC-32C over the header, with zeros in its place.
    const header = `${signature}21000007030004`;
    const zeros = bytesOf(`${header}00000000`);
    const sum = crc32("iscsi")(zeros, 0, zeros.length) >>> 0;
    const good = `${header}${sum.toString(16).padStart(8, "0")}`;
    expect(decodeFrame(protocol, bytesOf(good)).tlvs?.[0]?.type).toBe(3);
    expect(thrownBy(() => decodeFrame(protocol, zeros))).toMatchObject({
      code: "malformed",
      message: expect.stringContaining("checksum"),
    });
    const short = `${signature}21000005030002ffff`;
    expect(thrownBy(() => decodeFrame(protocol, bytesOf(short)))).toMatchObject({
      message: expect.stringContaining("2 bytes, not 4"),
    });
  });

  it("does not write what a header cannot say", () => {
    const [source, destination] = [v4.source!, v4.destination!];
    const headers: ProxyHeader[] = [
      { version: 1, isLocal: true },
      { version: 1, source, destination, tlvs: [{ type: 1, value: new Uint8Array(1) }] },
      { version: 1, source: { address: "/a", port: 0 }, destination: { address: "/a", port: 0 } },
      { version: 2, source, destination: { address: "::1", port: 1 } },
      { version: 2, source: { ...source, port: 65_536 }, destination },
      {
        version: 2,
        source: { address: `/${"a".repeat(108)}`, port: 0 },
        destination: { address: "/", port: 0 },
      },
      { version: 2, tlvs: [{ type: 256, value: new Uint8Array(1) }] },
      { version: 2, tlvs: [{ type: 1, value: new Uint8Array(65_533) }] },
    ];
    for (const header of headers) {
      expect(thrownBy(() => encodeFrame(protocol, header))).toMatchObject({ code: "unencodable" });
    }
  });

  const address = fc.oneof(
    fc.ipV4().map((a) => [a, a] as const),
    fc.ipV6().map((a) => [a, "::1"] as const),
  );
  const port = fc.nat(0xffff);
  const headers = fc
    .record({
      address,
      from: port,
      to: port,
      tlv: fc.uint8Array({ maxLength: 40 }),
      kind: fc.nat(3),
    })
    .map(({ address: [a, b], from, to, tlv, kind }): ProxyHeader => {
      if (kind === 0) return { version: 2, isLocal: true };
      if (kind === 1) return { version: 1 };
      const ends = { source: { address: a, port: from }, destination: { address: b, port: to } };
      return { version: 2, ...ends, tlvs: [{ type: 0xe0, value: tlv }] };
    });
  /** One address has many spellings. */
  const canonical = (header: ProxyHeader): unknown =>
    JSON.stringify(header, (_, value: unknown) =>
      typeof value === "string" && isIPv6(value) ? new URL(`http://[${value}]/`).hostname : value,
    );
  for (const { name, check } of laws(protocol, headers, {
    // Of a local header the addresses say nothing, and version 2 may bring fields of its own behind them.
    ignores: (bytes, at) => bytes[0] === 0x0d && at >= 13,
    runs: 40,
    equal: (a, b) => canonical(a) === canonical(b),
  })) {
    it(`keeps the law "${name}"`, check);
  }
});

describe("the addresses of proxies", () => {
  const isTrusted = (from: string[], remoteAddress?: string): boolean =>
    trustedBy({ from })({ remoteAddress } as never);

  it.each([
    [["127.0.0.1"], "127.0.0.1", true],
    [["127.0.0.1"], "::ffff:127.0.0.1", true],
    [["127.0.0.1"], "127.0.0.2", false],
    [["10.0.0.0/8"], "10.255.1.2", true],
    [["10.0.0.0/8"], "11.0.0.1", false],
    [["0.0.0.0/0"], "203.0.113.7", true],
    [["fd00::/8", "::1"], "fd12::1", true],
    [["fd00::/8", "::1"], "::1", true],
    [["fd00::/8"], "fe80::1%eth0", false],
    [["fe80::/10"], "fe80::1%eth0", true],
    [["unix:"], undefined, true],
    [["127.0.0.1"], undefined, false],
    [[], "127.0.0.1", false],
  ])("%j: %s is trusted: %s", (from, address, expected) => {
    expect(isTrusted(from, address)).toBe(expected);
  });

  it("are refused where they are given if they are none", () => {
    for (const entry of ["localhost", "10.0.0.0/33", "10.0.0.0/", "::/129", "1.2.3.4/8/8", "", 7]) {
      expect(thrownBy(() => isTrusted([entry as string]))).toBeInstanceOf(TypeError);
    }
    expect(thrownBy(() => trustedBy({ from: "127.0.0.1" as never }))).toBeInstanceOf(TypeError);
  });
});
