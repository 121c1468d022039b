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
import { goim } from "framewright/goim";

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

try {
  decodeAll(lines().wrap(json()), Uint8Array.of(0x31));
  throw new Error("a cut line was taken");
} catch (error) {
  if (!(error instanceof ProtocolError) || error.code !== "truncated") throw error;
}

globalThis.smoke = "ok";
if (typeof console === "object") console.log(globalThis.smoke);
