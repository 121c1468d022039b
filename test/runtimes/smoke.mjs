// Runs where nothing but ES2022 can be counted on: throws on a wrong answer, sets globalThis.smoke to "ok".
import {
  Connection,
  decodeAll,
  encodeAll,
  json,
  lengthPrefixed,
  lines,
  ProtocolError,
} from "framewright";
import { answerChallenge, fastway, verifyAnswer } from "framewright/fastway";
import { array, protocolOf, struct, u8, u16be, utf8 as utf8Field } from "framewright/fields";
import { cobs, contentLength, hdlc, netstring, slip, varintPrefixed } from "framewright/framing";
import { GoimClient, goim, goimJson } from "framewright/goim";
import { messageCodec, peek } from "framewright/protobuf";
import { IdCounter, Requests, reconnecting } from "framewright/session";
import { base64Decode, base64Encode, desDecode, desEncode, hmacHash } from "framewright/skynet";
import { netpack, pack, parse, sprotoRpc, unpack } from "framewright/sproto";
import { attachWebSocket } from "framewright/web";
import { jsonNL } from "framewright/workerman";

const equal = (found, wanted, what) => {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) {
    throw new Error(`${what}: ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
  }
};

const values = [{ text: "grüße 🦀" }, { n: 2 }];
for (const framing of [lines(), lengthPrefixed({ width: 4 })]) {
  const protocol = framing.wrap(json());
  const bytes = encodeAll(protocol, values);
  equal(decodeAll(protocol, bytes), values, "a round trip");
  const received = [];
  const connection = new Connection(
    protocol,
    { boundary: "stream", write: () => true, pause() {}, resume() {}, close() {}, abort() {} },
    { message: (_, value) => received.push(value) },
  );
  connection.opened();
  for (const byte of bytes) connection.received(Uint8Array.of(byte));
  equal(received, values, "byte by byte");
}

for (const framing of [varintPrefixed(), netstring(), cobs(), slip(), hdlc(), contentLength()]) {
  const protocol = framing.wrap(json());
  equal(decodeAll(protocol, encodeAll(protocol, values)), values, framing.name);
}

const described = protocolOf(struct({ id: u16be, tags: array(utf8Field(u8), u8) }), {
  name: "described",
});
const records = [{ id: 7, tags: ["a", "grüße 🦀"] }];
equal(decodeAll(described, encodeAll(described, records)), records, "fields");

/** A clock that stands still: not every host has timers. */
const clock = { now: () => 0, after: () => () => {}, soon: (run) => void run() };
/** A connection whose writes are kept. */
const carried = (protocol, handlers, boundary = "stream") => {
  const written = [];
  const sink = {
    ...{ boundary, pause() {}, resume() {}, close() {}, abort() {} },
    write: (bytes) => written.push(bytes) > 0,
  };
  return { written, connection: new Connection(protocol, sink, handlers, { clock }) };
};

const requests = new Requests({ clock });
const asked = [];
requests.ask((id) => asked.push(id)).catch(() => {});
equal(
  [asked.length, requests.answer(asked[0], "yes"), requests.answer(asked[0], "no")],
  [1, true, false],
  "requests",
);
const counter = new IdCounter();
equal([counter.next(), counter.next()], [1, 2], "ids");
const attempts = [];
const again = reconnecting(
  ({ failures }) => {
    attempts.push(failures);
    return carried(lines().wrap(json()), { message() {} }).connection;
  },
  { clock },
);
equal([attempts, again.state], [[0], "connecting"], "reconnecting");
again.close();
equal(again.state, "closed", "reconnecting");

const packets = goim();
const body = Uint8Array.of(1, 2, 3);
const back = decodeAll(packets, encodeAll(packets, [{ ver: 1, op: 4, seq: 7, body }]));
equal([back.length, back[0].op, Array.from(back[0].body)], [1, 4, [1, 2, 3]], "goim");

const texts = goimJson({ side: "client" });
equal(texts.name.length > 0, true, "goim JSON");
let live;
const client = new GoimClient({
  ...{ clock, token: body, reconnect: false },
  connect(protocol, handlers) {
    live = carried(protocol, handlers);
    return live.connection;
  },
});
live.connection.opened();
equal([client.state, live.written.length], ["authenticating", 1], "a client of goim");
client.close();

const link = fastway({ dialect: "v2" });
const said = [{ type: "message", connId: 9, message: body }];
const heard = decodeAll(link, encodeAll(link, said));
equal([heard[0].connId, Array.from(heard[0].message)], [9, [1, 2, 3]], "fastway");
const challenge = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
equal(verifyAnswer(answerChallenge(challenge, "key", 5), challenge, "key"), 5, "the handshake");

const php = jsonNL({ phpJson: true });
const [big] = decodeAll(php, encodeAll(php, [{ id: 1152921504606846976n, url: "a/é" }]));
equal([String(big.id), big.url], ["1152921504606846976", "a/é"], "workerman");

// Both engines where code can be made at run time; where it cannot, "auto" is the interpreter.
for (const engine of ["auto", "interpreted"]) {
  const sproto = parse(".Move { x 0 : integer  who 1 : string  at 2 : *integer }", { engine });
  const move = { x: -7, who: "grüße", at: [1, 2] };
  const written = sproto.encode("Move", move);
  equal(sproto.decode("Move", written), move, `sproto ${engine}`);
  equal(
    Array.from(unpack(pack(written))).slice(0, written.length),
    Array.from(written),
    "0-packing",
  );
  const gate = netpack().wrap(sproto.type("Move"));
  equal(decodeAll(gate, encodeAll(gate, [move, move])), [move, move], "sproto in a gate");
}

const rpcSchema = parse(`
  .package { type 0 : integer  session 1 : integer }
  ask 1 { request { n 0 : integer }  response { n 0 : integer } }
`);
const rpc = sprotoRpc({ local: rpcSchema, remote: rpcSchema });
const peer = carried(rpc, rpc.peers({ clock }));
peer.connection.opened();
peer.connection.context.request("ask", { n: 5 }).catch(() => {});
equal(peer.connection.context.pending, 1, "a call of sproto");
peer.connection.abort();

const secret = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const sealed = desEncode(secret, body);
equal(Array.from(desDecode(secret, sealed)), [1, 2, 3], "the DES of skynet");
equal(Array.from(base64Decode(base64Encode(sealed))), Array.from(sealed), "base64");
equal(hmacHash(secret, "name").length, 8, "the hash of skynet");

// Field 1, a varint of 150; field 2, the text "hi".
const message = Uint8Array.of(0x08, 0x96, 0x01, 0x12, 0x02, 0x68, 0x69);
equal(peek(message, { id: 1 }).id, 150, "peek");
const echoed = messageCodec({ encode: (bytes) => bytes, decode: (bytes) => bytes });
const inside = lengthPrefixed({ width: 2 }).wrap(echoed);
equal(
  Array.from(decodeAll(inside, encodeAll(inside, [message]))[0]),
  Array.from(message),
  "protobuf",
);

// A socket as WeChat has it: onmessage in place of addEventListener, and ArrayBuffers in place of views.
const socket = {
  readyState: 1,
  sent: [],
  send(data) {
    if (
      typeof data !== "string" &&
      Object.prototype.toString.call(data) !== "[object ArrayBuffer]"
    ) {
      throw new TypeError("neither text nor an ArrayBuffer");
    }
    this.sent.push(data);
  },
  close() {
    this.readyState = 3;
    this.onclose({ code: 1000, reason: "" });
  },
};
const moved = [];
const game = attachWebSocket(socket, described, {
  ...{ clock, message: (_, value) => moved.push(value) },
});
game.send(records[0]);
socket.onmessage({ data: encodeAll(described, records).slice().buffer });
equal(moved, records, "onmessage: received");
game.close();
equal(game.state, "closed", "onmessage: closed");
equal(
  Array.from(new Uint8Array(socket.sent[0])),
  Array.from(encodeAll(described, records)),
  "onmessage: sent",
);

try {
  decodeAll(lines().wrap(json()), Uint8Array.of(0x31));
  throw new Error("a cut line was taken");
} catch (error) {
  if (!(error instanceof ProtocolError) || error.code !== "truncated") throw error;
}

globalThis.smoke = "ok";
if (typeof console === "object") console.log(globalThis.smoke);
