import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeAll, encodeFrame, type Protocol, raw } from "../../src/core/index.ts";
import {
  type Command,
  command,
  type EndpointCommand,
  type FastwayMessage,
  fastway,
  type GatewayCommand,
  linkFixlen,
  linkJson,
  packet,
} from "../../src/protocols/fastway/index.ts";
import { bytes, jsonValues, type LawOptions, laws, text } from "../../src/testing/index.ts";
import { keeps } from "../support/laws.ts";

const RUNS = 60;

function holds<In, Out>(
  name: string,
  protocol: Protocol<In, Out>,
  values: fc.Arbitrary<In>,
  options: LawOptions<In, Out> = {},
): void {
  // A command may have more arguments than are known.
  const ignores = (bytes: Uint8Array, at: number): boolean => at === bytes.length;
  keeps(name, laws(protocol, values, { runs: RUNS, ignores, ...options }));
}

const maxPacket = 300;
const u32 = fc.oneof(fc.nat({ max: 0xffff_ffff }), fc.constantFrom(0, 1, 2 ** 31, 2 ** 32 - 1));
const connId = u32.map((value) => value || 1);
const message = bytes({ max: maxPacket - 4 });

const of = <T extends string>(type: T): fc.Arbitrary<{ type: T }> =>
  fc.record({ type: fc.constant(type) });
const withConn = <T extends string>(type: T): fc.Arbitrary<{ type: T; connId: number }> =>
  fc.record({ type: fc.constant(type), connId: u32 });
const withRemote = <T extends string>(type: T): fc.Arbitrary<{ type: T; remoteId: number }> =>
  fc.record({ type: fc.constant(type), remoteId: u32 });
const withBoth = <T extends string>(
  type: T,
): fc.Arbitrary<{ type: T; connId: number; remoteId: number }> =>
  fc.record({ type: fc.constant(type), connId: u32, remoteId: u32 });

const fromEndpointV1: fc.Arbitrary<EndpointCommand<"v1">> = fc.oneof(
  of("new"),
  withBoth("dial"),
  withConn("close"),
  of("ping"),
);
const fromGatewayV1: fc.Arbitrary<GatewayCommand<"v1">> = fc.oneof(
  withConn("open"),
  withConn("refuse"),
  withBoth("accept"),
  withConn("close"),
  of("ping"),
);
const fromEndpointV2: fc.Arbitrary<EndpointCommand<"v2">> = fc.oneof(
  withRemote("dial"),
  withConn("close"),
  of("ping"),
);
const fromGatewayV2: fc.Arbitrary<GatewayCommand<"v2">> = fc.oneof(
  withBoth("accept"),
  withBoth("connect"),
  withRemote("refuse"),
  withConn("close"),
  of("ping"),
);
const v1: fc.Arbitrary<Command<"v1">> = fc.oneof(fromEndpointV1, fromGatewayV1);
const v2: fc.Arbitrary<Command<"v2">> = fc.oneof(fromEndpointV2, fromGatewayV2);
const data: fc.Arbitrary<FastwayMessage> = fc.record({
  type: fc.constant("message" as const),
  connId,
  message,
});

// What must not be written: numbers that do not fit, messages that are too long, commands of the other dialect.
const tooLong = fc.constantFrom(maxPacket - 3, maxPacket, 1000).map((n) => new Uint8Array(n));
const noId = fc.constantFrom(-1, 0.5, 2 ** 32, Number.NaN, "1", undefined);

holds("packet", packet({ maxPacket }), fc.record({ connId: u32, message }), {
  canonical: true,
  refused: fc.oneof(
    fc.record({ connId: noId, message }),
    fc.record({ connId: u32, message: tooLong }),
  ),
});
holds("packet with copies", packet({ copy: true }), fc.record({ connId: u32, message }));
holds("command v1", command({ dialect: "v1" }), v1, {
  refused: fc.oneof(withBoth("connect"), withRemote("dial"), of("none")),
});
holds("command v2", command({ dialect: "v2" }), v2, {
  refused: fc.oneof(
    of("new"),
    withConn("open"),
    fc.record({ type: fc.constant("dial"), remoteId: noId }),
  ),
});
holds("fastway v1", fastway({ dialect: "v1", maxPacket }), fc.oneof(v1, data), {
  refused: fc.oneof(
    fc.record({ type: fc.constant("message"), connId: fc.constant(0), message }),
    fc.record({ type: fc.constant("message"), connId, message: tooLong }),
  ),
});
holds("fastway v2", fastway({ dialect: "v2", maxPacket }), fc.oneof(v2, data));
holds(
  "fastway v1, from endpoint to gateway",
  fastway({ dialect: "v1", side: "endpoint" }) as unknown as Protocol<
    FastwayMessage | EndpointCommand<"v1">
  >,
  fc.oneof(fromEndpointV1, data),
  {
    reader: fastway({ dialect: "v1", side: "gateway" }),
    refused: fc.oneof(withConn("open"), withBoth("accept")),
  },
);
holds(
  "fastway v2, from gateway to endpoint",
  fastway({ dialect: "v2", side: "gateway" }) as unknown as Protocol<
    FastwayMessage | GatewayCommand<"v2">
  >,
  fc.oneof(fromGatewayV2, data),
  { reader: fastway({ dialect: "v2", side: "endpoint" }), refused: withRemote("dial") },
);

holds("linkFixlen 1", linkFixlen({ width: 1, endian: "le" }).wrap(raw()), bytes({ max: 255 }), {
  canonical: true,
  refused: fc.constantFrom(new Uint8Array(256), new Uint8Array(1000)),
});
holds(
  "linkFixlen 8",
  linkFixlen({ width: 8, endian: "be", maxReceive: 300 }).wrap(raw()),
  bytes({ max: 300 }),
  { canonical: true, refused: fc.constant(new Uint8Array(301)) },
);

const linkMessage = fc.record({
  head: text(),
  body: jsonValues().filter((body) => body !== null),
});
const noBody = fc.record({ head: text(), body: fc.constantFrom(null, undefined, Number.NaN, 1n) });
holds("linkJson", linkJson(), linkMessage, { refused: noBody });
holds(
  "linkFixlen of linkJson",
  linkFixlen({ width: 4, endian: "be" }).wrap(linkJson()),
  linkMessage,
  { refused: noBody },
);

describe("linkJson", () => {
  it("reads the same messages however lines, blanks and objects are mixed", () => {
    const blank = fc.array(fc.constantFrom(" ", "\t", "\r", "\n"), { maxLength: 3 });
    const body = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.array(fc.string()),
      fc.dictionary(fc.string(), fc.string()),
    );
    const small = fc.record({ head: fc.string(), body });
    const pieces = fc.array(fc.tuple(small, blank), { maxLength: 5 });
    fc.assert(
      fc.property(pieces, (mixed) => {
        const stream: number[] = [];
        for (const [value, after] of mixed) {
          stream.push(...encodeFrame(linkJson(), value).subarray(0, -1));
          for (const char of after) stream.push(char.charCodeAt(0));
        }
        stream.push(10);
        expect(decodeAll(linkJson(), Uint8Array.from(stream))).toEqual(mixed.map(([one]) => one));
      }),
      { numRuns: RUNS },
    );
  });
});
