/** An option of a protocol, framing or codec, and what its control offers. */
export interface Option {
  readonly key: string;
  readonly label: string;
  /** A list is a choice; the first entry is the default, which is left out of the name. */
  readonly kind: "number" | "yes" | "text" | readonly string[];
  /** Must be given; what the control begins with. */
  readonly needed?: string;
}

/** Something that can be chosen. */
export interface Choice {
  readonly label: string;
  readonly options: readonly Option[];
  /** Bytes to begin with. */
  readonly example?: string;
  /** It needs a schema and one of its types, or the schemas of both sides. */
  readonly needs?: "type" | "sides";
}

const number = (key: string, label: string, needed?: string): Option =>
  needed === undefined ? { key, label, kind: "number" } : { key, label, kind: "number", needed };
const yes = (key: string, label: string): Option => ({ key, label, kind: "yes" });
const oneOf = (key: string, label: string, ...kind: string[]): Option => ({ key, label, kind });

const maxFrame = number("maxFrame", "Largest frame in bytes");
const copy = yes("copy", "Copy bodies");
const leading = oneOf("leading", "Write a flag before each frame", "", "true", "false");
const side = oneOf("side", "This side is", "", "client", "server");

const ascii = (text: string): string =>
  Array.from(text, (char) => char.charCodeAt(0).toString(16).padStart(2, "0")).join(" ");

/** Protocols that need no payload codec. */
export const READY: Readonly<Record<string, Choice>> = {
  goim: {
    label: "goim, binary packets",
    options: [
      side,
      yes("flatten", "Deliver the packets of a batch"),
      maxFrame,
      number("maxSendBody", "Largest body that is sent"),
      copy,
    ],
    // Authentication, its reply, and a batch of two messages.
    example: `0000003100100001 00000007 00000001 ${ascii('{"mid":1,"room_id":"live://1000"}')}
0000001000100001 00000008 00000001
0000003800100001 00000009 00000000
  0000001500100001 000003e8 00000000 ${ascii("hello")}
  0000001300100001 000003e8 00000000 ${ascii("bye")}`,
  },
  "goim-json": {
    label: "goim, JSON packets",
    options: [
      oneOf("dialect", "Dialect", "v1.2", "v1.0"),
      side,
      oneOf("body", "Bodies are", "json", "text"),
      maxFrame,
    ],
    example: ascii('{"ver":1,"op":5,"seq":3,"body":{"text":"hello"}}'),
  },
  bilibili: {
    label: "Bilibili live chat",
    options: [maxFrame, number("maxInflated", "Most bytes that a frame unpacks to")],
    // A popularity, and messages that were packed with zlib and with Brotli.
    example: `0000001400100001 00000003 00000000 000576b5
0000003400100002 00000005 00000000
  789c636060906610600001561051ad949c9ba264a5e4a854cb8043ca49a916008c1a06c0
0000003d00100003 00000005 00000000
  1b3500f89f09bc09eb32fa7d40e3480d50b0b1b7014420dab6489010d9ec1bd3294db80a152a9881e0fea5b000`,
  },
  fastway: {
    label: "fastway",
    options: [
      { key: "dialect", label: "Dialect", kind: ["v2", "v1"], needed: "v2" },
      oneOf("side", "This side is", "", "endpoint", "gateway"),
      number("maxPacket", "Largest value of the length field"),
      copy,
    ],
    example: `09000000 00000000 00 01000000
06000000 07000000 4869
05000000 00000000 05`,
  },
  "workerman-json": {
    label: "Workerman JsonNL",
    options: [maxFrame, yes("phpJson", "JSON as PHP writes it")],
    example: ascii('{"type":"say","text":"hello"}\n["a",1]\n'),
  },
  "workerman-text": {
    label: "Workerman Text",
    options: [maxFrame, yes("bytes", "Values are bytes")],
    example: ascii("hello\nworld\r\n"),
  },
  "workerman-frame": {
    label: "Workerman Frame",
    options: [maxFrame, copy],
    example: `00000009 ${ascii("hello")}
00000004`,
  },
  "workerman-json-int": {
    label: "Workerman JsonInt",
    options: [maxFrame, yes("phpJson", "JSON as PHP writes it")],
    example: `00000011 ${ascii('{"text":"hi"}')}
00000007 ${ascii("[1]")}`,
  },
  "workerman-xml": {
    label: "Workerman XML of the manual",
    options: [maxFrame, yes("bytes", "Values are bytes")],
    example: ascii("0000000014<a/>0000000010"),
  },
  "workerman-binary-transfer": {
    label: "Workerman file transfer, binary",
    options: [side, maxFrame],
    example: `0000000d 05 ${ascii("a.txt")} ${ascii("hey")}`,
  },
  "workerman-text-transfer": {
    label: "Workerman file transfer, text",
    options: [side, maxFrame],
    example: ascii('{"file_name":"a.txt","file_data":"aGV5"}\n'),
  },
  "workerman-gateway": {
    label: "GatewayWorker",
    options: [oneOf("serialized", "Bodies that are serialized", "", "php"), maxFrame],
    example: `00000021 05 7f000001 0fa2 c0a80102 d431
00000007 01 1f48 00000000 ${ascii("hello")}`,
  },
  "skynet-login": {
    label: "skynet, lines of the login server",
    options: [maxFrame],
    example: ascii("OEd4Y2E=\n200 aGk=\n"),
  },
  "skynet-handshake": {
    label: "skynet, handshake of the message server",
    options: [maxFrame],
    example: `0006 ${ascii("200 OK")}`,
  },
  "skynet-request": {
    label: "skynet, requests to the message server",
    options: [maxFrame],
    example: `0006 ${ascii("hi")} 00000007
0007 ${ascii("bye")} 00000008`,
  },
  "skynet-answer": {
    label: "skynet, answers of the message server",
    options: [maxFrame],
    example: `0007 ${ascii("hi")} 01 00000007
0005 00 00000008`,
  },
  "sproto-rpc": {
    label: "sproto, remote calls by schemas",
    options: [{ key: "package", label: "Type of the header", kind: "text" }],
    // A request of say and one of ping, as SCHEMA_EXAMPLE has them.
    example: `000d 55 02040401 c4 05 68 65 07 6c 6c 6f
0004 15 020606`,
    needs: "sides",
  },
};

/** Framings, each with a payload codec. */
export const FRAMINGS: Readonly<Record<string, Choice>> = {
  length: {
    label: "Length before the payload",
    options: [
      number("width", "Bytes of the length", "2"),
      oneOf("endian", "Byte order", "be", "le"),
      oneOf("counts", "The length counts", "body", "frame"),
      number("adjust", "Added to the length"),
      { key: "header", label: "Bytes before the length, in hex (?? for any byte)", kind: "text" },
      number("offset", "Number of bytes before the length"),
      maxFrame,
    ],
    example: `0005 ${ascii("hello")}
0000
0003 ${ascii("bye")}`,
  },
  varint: {
    label: "Varint before the payload",
    options: [
      number("maxBytes", "Most bytes of the length"),
      yes("minimal", "Refuse overlong lengths"),
      number("offset", "Number of bytes before the length"),
      maxFrame,
    ],
    example: `05 ${ascii("hello")}
8001 ${ascii(".".repeat(128))}`,
  },
  lines: {
    label: "Lines",
    options: [
      oneOf("last", "A last line without an end is", "error", "accept"),
      yes("skipEmpty", "Skip empty lines"),
      oneOf("ending", "The line end that is written", "\\n", "\\r\\n"),
      maxFrame,
    ],
    example: ascii('"one"\n2\r\n[3]\n'),
  },
  delimited: {
    label: "Delimiter after the payload",
    options: [{ key: "delimiter", label: "Delimiter", kind: "text", needed: "\\r\\n" }, maxFrame],
    example: ascii("one\r\ntwo\r\n"),
  },
  fixed: {
    label: "Fixed size",
    options: [number("size", "Bytes of a frame", "4")],
    example: "00000001 00000002 00000003",
  },
  netstring: { label: "Netstrings", options: [maxFrame], example: ascii("5:hello,0:,3:bye,") },
  netpack: {
    label: "Length before the payload, of skynet's gate",
    options: [maxFrame],
    example: `0005 ${ascii("hello")}
0003 ${ascii("bye")}`,
  },
  message: {
    label: "One message (WebSocket, datagram)",
    options: [maxFrame],
    example: ascii("hello"),
  },
  "content-length": {
    label: "Content-Length header",
    options: [maxFrame, number("maxHeader", "Largest header in bytes")],
    example: ascii('Content-Length: 17\r\n\r\n{"jsonrpc":"2.0"}'),
  },
  decimal: {
    label: "Length in decimal digits",
    options: [
      number("digits", "Number of digits", "4"),
      { key: "delimiter", label: "Or what ends the digits", kind: "text" },
      oneOf("counts", "The length counts", "body", "frame"),
      { key: "trailer", label: "After the payload", kind: "text" },
      yes("leadingZeros", "Read leading zeros"),
      number("adjust", "Added to the length"),
      maxFrame,
    ],
    example: ascii("0005hello0003bye"),
  },
  "concatenated-json": {
    label: "JSON values one after another",
    options: [maxFrame],
    example: ascii('{"a":1}[2] {}'),
  },
  pieces: {
    label: "Pieces as they come",
    options: [number("most", "Longest piece")],
    example: ascii("any bytes"),
  },
  slip: {
    label: "SLIP",
    options: [leading, maxFrame],
    example: "c0 68 65 6c 6c 6f c0 c0 c3 80 db dc c0",
  },
  cobs: {
    label: "COBS",
    options: [leading, maxFrame],
    example: "06 68 65 6c 6c 6f 00 02 61 02 62 00",
  },
  hdlc: {
    label: "HDLC",
    options: [oneOf("fcs", "Bits of the check sequence", "16", "32", "0"), leading, maxFrame],
    example: "7e 68 65 6c 6c 6f bd 34 7e 7e 7d 5e 81 6a 7e",
  },
};

/** Codecs of payloads. */
export const CODECS: Readonly<Record<string, Choice>> = {
  raw: { label: "Bytes", options: [yes("copy", "Copy")] },
  utf8: { label: "Text, UTF-8", options: [] },
  latin1: { label: "Text, Latin-1", options: [] },
  json: { label: "JSON", options: [], example: ascii('{"name":"ann","tags":[1,2]}') },
  "php-json": { label: "JSON as PHP writes it", options: [], example: ascii('{"a":"\\u00e9"}') },
  "php-serialize": {
    label: "PHP's serialize",
    options: [],
    example: ascii('a:1:{s:1:"a";a:2:{i:0;i:1;i:1;s:1:"b";}}'),
  },
  sproto: { label: "sproto by a schema", options: [], needs: "type" },
  "sproto-packed": { label: "sproto by a schema, packed", options: [], needs: "type" },
};

/** A schema to begin with, and values of its first type. */
export const SCHEMA_EXAMPLE: { readonly schema: string; readonly values: readonly unknown[] } = {
  schema: `.Move {
  x 0 : integer
  y 1 : integer
  who 2 : string
  path 3 : *integer
}

.package {
  type 0 : integer
  session 1 : integer
}

say 1 {
  request { words 0 : string }
  response { heard 0 : boolean }
}

ping 2 {}
`,
  values: [{ x: 3, y: -1, who: "ann", path: [1, 2] }, { x: 4 }],
};
