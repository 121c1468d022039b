import { inflateSync } from "node:zlib";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  cobs,
  concatenatedJson,
  contentLength,
  crc16,
  decimalPrefixed,
  hdlc,
  headed,
  slip,
  stuffed,
  withChecksum,
} from "../../../src/framing/index.ts";
import {
  type Codec,
  delimited,
  fixed,
  json,
  latin1,
  lengthPrefixed,
  lines,
  type MessageProtocol,
  netstring,
  perMessage,
  raw,
  utf8,
  varintPrefixed,
} from "../../../src/index.ts";
import {
  command,
  fastway,
  linkFixlen,
  linkJson,
  packet,
} from "../../../src/protocols/fastway/index.ts";
import {
  authToken,
  bilibili,
  chatReceive,
  chatReply,
  chatSend,
  chatToken,
  goim,
  goimJson,
  onlineCount,
  operationList,
  roomId,
  userId,
} from "../../../src/protocols/goim/index.ts";
import {
  bufbuild,
  headerService,
  messageCodec,
  protobufjs,
} from "../../../src/protocols/protobuf/index.ts";
import {
  answerPackages,
  handshakePackages,
  loginLines,
  requestPackages,
} from "../../../src/protocols/skynet/index.ts";
import { netpack, parse, sprotoRpc } from "../../../src/protocols/sproto/index.ts";
import {
  binaryTransfer,
  defineCodec,
  frame,
  gatewayProtocol,
  jsonInt,
  jsonNL,
  phpJson,
  phpSerialize,
  text,
  textTransfer,
  xml10,
} from "../../../src/protocols/workerman/index.ts";
import { schemaOf, typeOf } from "../protocols/protobuf/samples.ts";

/** A protocol or codec of the library, with what its tests need to know. */
export interface Ready {
  readonly name: string;
  readonly protocol: MessageProtocol<never, unknown>;
  /** Values that it writes. */
  readonly values: readonly unknown[];
  /** The frame around a JSON text, for what carries JSON. */
  readonly framed?: (json: string) => string;
  /** Values come back in another form: text as bytes, absent members as defaults. Or code of the user's writes them. */
  readonly changes?: boolean;
  /** What is received is not what is sent: there is no echo. */
  readonly hasNoEcho?: boolean;
}

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));

const JSON_VALUES: readonly unknown[] = [
  null,
  7,
  "hunter2",
  [1, { a: [] }],
  { code: 0, msg: "ok" },
];
const TEXTS = ["", "hunter2", "a\rb", "€"];
const BLOBS = [new Uint8Array(0), bytes("hunter2"), Uint8Array.of(0xff, 0, 0x0d)];

/** A payload codec by itself: one message. */
const alone = (codec: Codec<never, unknown>): MessageProtocol<never, unknown> =>
  perMessage().wrap(codec);

const u32 = (length: number): string =>
  String.fromCharCode(length >>> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255);
const same = (json: string): string => json;
const line = (json: string): string => `${json}\n`;

const SCHEMA = `
.Inner { key 0 : integer  name 1 : string }
.Pair { k 0 : string  v 1 : integer }
.All {
  i 0 : integer   f 1 : integer(2)  b 2 : boolean  s 3 : string  x 4 : binary  d 5 : double
  st 6 : Inner    li 7 : *integer   lf 8 : *integer(2)  lb 9 : *boolean  ls 10 : *string
  lx 11 : *binary ld 12 : *double   lst 13 : *Inner  m 14 : *Inner(key)  p 15 : *Pair()
}
ask 1 { request All  response Inner }
.package { type 0 : integer  session 1 : integer }
`;
const SPROTO_VALUES = [
  {},
  { i: 5, f: 1.25, b: true, s: "hunter2", x: bytes("hunter2"), d: 0.5, st: { key: 1, name: "n" } },
  {
    li: [1, 2 ** 40],
    lf: [0.5],
    lb: [true, false],
    ls: ["", "hunter2"],
    lx: [bytes("a")],
    ld: [1.5],
  },
  { lst: [{}, { key: 3 }], m: new Map([[7, { key: 7, name: "s" }]]), p: new Map([["a", 1]]) },
];

const sprotoType = (options: Parameters<typeof parse>[1]): MessageProtocol<never, unknown> =>
  alone(parse(SCHEMA, options).type("All") as Codec<never, unknown>);
const sproto = parse(SCHEMA);
const service = headerService({
  requests: {
    "samples.LoginReq": {
      request: protobufjs<{ account: string; password?: string }>(typeOf("LoginReq")),
      response: protobufjs<{ account: string; password?: string }>(typeOf("LoginReq")),
    },
  },
});

const login = { account: "alice", password: "hunter2" };
const wire = { ver: 1, op: 2, seq: 3 };

const of = (
  name: string,
  protocol: MessageProtocol<never, unknown>,
  values: readonly unknown[],
  more: Partial<Ready> = {},
): Ready => ({ name, protocol, values, ...more });

/** Every ready protocol and payload codec. */
export const READY: readonly Ready[] = [
  of("raw", alone(raw()), BLOBS),
  of("utf8", alone(utf8()), TEXTS),
  of("latin1", alone(latin1()), ["", "hunter2", "é"]),
  of("json", alone(json()), JSON_VALUES, { framed: same }),
  of("lines of text", lines().wrap(utf8()), TEXTS),
  of("lines of bytes", lines().wrap(raw()), [bytes("hunter2")]),
  of("lines that end in CRLF", lines({ ending: "\r\n" }).wrap(utf8()), TEXTS),
  of("lines without empty ones", lines({ skipEmpty: true, last: "accept" }).wrap(utf8()), [
    "a",
    "€",
  ]),
  of("lines of JSON", lines().wrap(json()), JSON_VALUES, { framed: line }),
  of("several delimiters", delimited(["\0", "\r\n", "\r\0"]).wrap(utf8()), TEXTS),
  of("netstring", netstring().wrap(utf8()), TEXTS),
  of("u16 lengths", lengthPrefixed({ width: 2 }).wrap(utf8()), TEXTS),
  of(
    "u32 lengths of frames",
    lengthPrefixed({ width: 4, counts: "frame" }).wrap(json()),
    JSON_VALUES,
    {
      framed: (json) => u32(4 + json.length) + json,
    },
  ),
  of("varint lengths", varintPrefixed().wrap(raw()), BLOBS),
  of("fixed", fixed(7).wrap(utf8()), ["hunter2"]),
  of("decimal lengths", decimalPrefixed({ delimiter: " " }).wrap(utf8()), TEXTS),
  of("contentLength", contentLength().wrap(json()), JSON_VALUES, {
    framed: (json) => `Content-Length: ${json.length}\r\n\r\n${json}`,
  }),
  of("concatenatedJson", concatenatedJson().wrap(json()), [{ a: "hunter2" }, [1]], {
    framed: same,
  }),
  of(
    "headed",
    headed({
      end: "\n",
      length: (header) => Number(/^SEND (\d{1,9})$/.exec(header)?.[1]),
      write: (length) => `SEND ${length}`,
    }).wrap(json()),
    JSON_VALUES,
    { framed: (json) => `SEND ${json.length}\n${json}` },
  ),
  of("stuffed", stuffed({ flag: 0x7e, escape: 0x7d, map: 0x20 }).wrap(raw()), BLOBS.slice(1)),
  of(
    "frames with a checksum",
    withChecksum(lengthPrefixed({ width: 1 }), { sum: crc16("modbus"), width: 2, from: 0 }).wrap(
      utf8(),
    ),
    TEXTS,
  ),
  of(
    "a payload with a checksum",
    stuffed({ flag: 0x7e, escape: 0x7d, map: 0x20 }).wrap(
      withChecksum(raw(), { sum: crc16("xmodem"), width: 2, endian: "le" }),
    ),
    BLOBS,
  ),
  of("slip", slip().wrap(raw()), BLOBS.slice(1)),
  of("cobs", cobs().wrap(raw()), BLOBS.slice(1)),
  of("hdlc", hdlc().wrap(raw()), BLOBS.slice(1)),

  of("goim", goim() as never, [{ ...wire, body: bytes("hunter2") }, { op: 3 }]),
  of("goim, flattened", goim({ flatten: true }) as never, [{ ...wire, body: bytes("hunter2") }]),
  ...(["client", "server", undefined] as const).flatMap((side) =>
    (["json", "text"] as const).map((body) =>
      of(
        `goimJson of ${side ?? "either side"}, body ${body}`,
        goimJson({ side, body } as never) as never,
        [{ ...wire, body: body === "text" ? '{"a":"hunter2"}' : { a: "hunter2" } }, { op: 3 }],
        { framed: (json) => `{"ver":1,"op":2,"seq":3,"body":${json}}` },
      ),
    ),
  ),
  of("goim user id", userId as never, [1, 1n << 60n]),
  of(
    "goim auth token",
    authToken as never,
    [
      { mid: 5, key: "hunter2", room_id: "live://1", platform: "web", accepts: [1, -2] },
      { mid: 1n << 62n },
    ],
    { framed: (json) => `{"mid":1,"key":${json}}` },
  ),
  of("goim chat token", chatToken as never, [{ mid: 5n, mkey: "hunter2" }], {
    framed: (json) => `{"mid":1,"mkey":${json}}`,
  }),
  of("goim online count", onlineCount as never, [0, -5]),
  of("goim room", roomId as never, ["live://hunter2"]),
  of("goim operation list", operationList as never, [[], [1, -5]]),
  of("goim chat message", chatSend(json()) as never, [{ from: 1, to: 2, msg: "hunter2" }], {
    framed: (json) => `\0\0\0\x01\0\0\0\x02${json}`,
  }),
  of("goim received chat message", chatReceive() as never, [
    { from: 1, to: 2, chatId: 5n, msg: bytes("hunter2") },
  ]),
  of("goim chat reply", chatReply() as never, [{ ret: -1, chatId: 5n }]),
  of(
    "bilibili",
    bilibili({
      inflate: (_, packed, maxOutputLength) => inflateSync(packed, { maxOutputLength }),
    }) as never,
    [
      { type: "message", ver: 0, body: { cmd: "hunter2" } },
      { type: "heartbeat" },
      { type: "popularity", popularity: 5 },
      { type: "auth", body: { roomid: 1 } },
      { type: "welcome", body: undefined },
      { type: "unknown", op: 77, body: bytes("hunter2") },
    ],
    { framed: (json) => `${u32(16 + json.length)}\0\x10\0\0\0\0\0\x05\0\0\0\0${json}` },
  ),

  of("fastway packet", packet() as never, [{ connId: 7, message: bytes("hunter2") }]),
  of("fastway command v1", command({ dialect: "v1" }) as never, [
    { type: "new" },
    { type: "dial", connId: 1, remoteId: 2 },
    { type: "close", connId: 1 },
  ]),
  of("fastway command v2", command({ dialect: "v2" }) as never, [
    { type: "ping" },
    { type: "connect", connId: 1, remoteId: 2 },
  ]),
  of("fastway", fastway({ dialect: "v2" }) as never, [
    { type: "message", connId: 7, message: bytes("hunter2") },
    { type: "ping" },
  ]),
  of("linkFixlen", linkFixlen({ width: 2, endian: "le" }).wrap(utf8()), TEXTS),
  of("linkJson", linkJson() as never, [{ head: "hunter2", body: { a: 1 } }], {
    framed: (json) => `{"Head":"h","Body":${json}}\n`,
  }),

  of("jsonNL", jsonNL() as never, JSON_VALUES, { framed: line }),
  of("jsonNL, null for what is not JSON", jsonNL({ invalid: "null" }) as never, JSON_VALUES, {
    framed: line,
  }),
  of("jsonInt", jsonInt() as never, JSON_VALUES, { framed: (json) => u32(4 + json.length) + json }),
  of("phpJson", alone(phpJson()), [null, 7, "hunter2", 1n << 60n, [1, [2]], { code: 0 }], {
    framed: same,
  }),
  // Bytes and text are both strings of PHP: they come back as the option says.
  of(
    "phpSerialize",
    alone(phpSerialize()),
    [null, true, 7, 0.5, "hunter2", [1, [2]], { code: 0, list: ["a"] }],
    { changes: true },
  ),
  of(
    "phpSerialize, strings as bytes",
    alone(phpSerialize({ strings: "bytes" })),
    [bytes("hunter2"), [bytes("a")]],
    { changes: true },
  ),
  of("Workerman's text", text(), TEXTS),
  of("Workerman's text as bytes", text({ bytes: true }) as never, [bytes("hunter2")]),
  of("Workerman's frame", frame() as never, BLOBS),
  of("xml10", xml10(), TEXTS),
  of("binaryTransfer", binaryTransfer() as never, [
    { file_name: "hunter2", file_data: bytes("a") },
  ]),
  of("textTransfer", textTransfer() as never, [{ file_name: "hunter2", file_data: bytes("a") }], {
    framed: (json) => `{"file_name":${json},"file_data":"YQ=="}\n`,
  }),
  of("gatewayProtocol", gatewayProtocol() as never, [{ cmd: 5, body: "hunter2", ext_data: "x" }], {
    changes: true,
  }),
  of(
    "a codec of the user's",
    defineCodec({
      input: (buffer) => buffer.indexOf(0x0a) + 1,
      decode: (package_) => json().decode(package_, 0, package_.length) as never,
      encode: (value: unknown) => `${JSON.stringify(value)}\n`,
    }) as never,
    [7, "hunter2"],
    { framed: line, changes: true },
  ),

  of("skynet login lines", loginLines(), ["hunter2", "200 aGVsbG8="]),
  of("skynet handshake", handshakePackages(), ["hunter2@s#YQ==:1:c2lnbg==", "200 OK"]),
  of("skynet requests", requestPackages() as never, [
    { content: bytes("hunter2"), session: 7 },
    { content: new Uint8Array(0), session: 0xffff_ffff },
  ]),
  of("skynet answers", answerPackages() as never, [
    { content: bytes("hunter2"), ok: true, session: 7 },
    { content: new Uint8Array(0), ok: false, session: 8 },
  ]),

  ...(["auto", "bigint", "number"] as const).map((int64) =>
    of(`sproto, int64 ${int64}`, sprotoType({ int64 }), SPROTO_VALUES),
  ),
  of(
    "sproto, interpreted, maps as objects",
    sprotoType({ engine: "interpreted", maps: "object" }),
    SPROTO_VALUES,
  ),
  of("sproto, strings as bytes", sprotoType({ strings: "bytes" }), SPROTO_VALUES, {
    changes: true,
  }),
  of("sproto behind netpack", netpack().wrap(sproto.type("All")) as never, SPROTO_VALUES),

  of(
    "sproto calls",
    sprotoRpc({ local: sproto, remote: sproto }) as never,
    [
      { kind: "request", name: "ask", args: { s: "hunter2" }, session: 5 },
      { kind: "response", name: "ask", args: { key: 1 }, session: 5 },
    ],
    { hasNoEcho: true },
  ),

  of("protobufjs", alone(protobufjs(typeOf("LoginReq")) as never), [login]),
  // It writes what it is given as text, whatever that is: its types are checked by the compiler.
  of(
    "bufbuild",
    alone(bufbuild(schemaOf("LoginReq"), { toBinary, fromBinary }) as never),
    [create(schemaOf("LoginReq"), login)],
    { changes: true },
  ),
  of("messageCodec", alone(messageCodec(typeOf("LoginReq") as never) as never), [login], {
    changes: true,
  }),
  of(
    "the client of a header service",
    service.clientProtocol as never,
    [{ type: "samples.LoginReq", seq: 1, message: login }],
    { hasNoEcho: true },
  ),
  of(
    "the server of a header service",
    service.serverProtocol as never,
    [{ kind: "response", to: "samples.LoginReq", message: login }],
    { hasNoEcho: true },
  ),
];
