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
import { goim } from "framewright/goim";
import { messageCodec, peek } from "framewright/protobuf";
import { netpack, pack, parse, unpack } from "framewright/sproto";
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

const packets = goim();
const body = Uint8Array.of(1, 2, 3);
const back = decodeAll(packets, encodeAll(packets, [{ ver: 1, op: 4, seq: 7, body }]));
equal([back.length, back[0].op, [...back[0].body]], [1, 4, [1, 2, 3]], "goim");

const link = fastway({ dialect: "v2" });
const said = [{ type: "message", connId: 9, message: body }];
const heard = decodeAll(link, encodeAll(link, said));
equal([heard[0].connId, [...heard[0].message]], [9, [1, 2, 3]], "fastway");
const challenge = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
equal(verifyAnswer(answerChallenge(challenge, "key", 5), challenge, "key"), 5, "the handshake");

const php = jsonNL({ phpJson: true });
const [big] = decodeAll(php, encodeAll(php, [{ id: 2n ** 60n, url: "a/é" }]));
equal([String(big.id), big.url], ["1152921504606846976", "a/é"], "workerman");

// Both engines where code can be made at run time; where it cannot, "auto" is the interpreter.
for (const engine of ["auto", "interpreted"]) {
  const sproto = parse(".Move { x 0 : integer  who 1 : string  at 2 : *integer }", { engine });
  const move = { x: -7, who: "grüße", at: [1, 2] };
  const written = sproto.encode("Move", move);
  equal(sproto.decode("Move", written), move, `sproto ${engine}`);
  equal([...unpack(pack(written))].slice(0, written.length), [...written], "0-packing");
  const gate = netpack().wrap(sproto.type("Move"));
  equal(decodeAll(gate, encodeAll(gate, [move, move])), [move, move], "sproto in a gate");
}

// Field 1, a varint of 150; field 2, the text "hi".
const message = Uint8Array.of(0x08, 0x96, 0x01, 0x12, 0x02, 0x68, 0x69);
equal(peek(message, { id: 1 }).id, 150, "peek");
const echoed = messageCodec({ encode: (bytes) => bytes, decode: (bytes) => bytes });
const inside = lengthPrefixed({ width: 2 }).wrap(echoed);
equal([...decodeAll(inside, encodeAll(inside, [message]))[0]], [...message], "protobuf");

try {
  decodeAll(lines().wrap(json()), Uint8Array.of(0x31));
  throw new Error("a cut line was taken");
} catch (error) {
  if (!(error instanceof ProtocolError) || error.code !== "truncated") throw error;
}

globalThis.smoke = "ok";
if (typeof console === "object") console.log(globalThis.smoke);
