// Tests three versions of a custom protocol with the laws: hasty, careless, and correct.
import fc from "fast-check";
import { defineProtocol, type Protocol, ProtocolError, u24be } from "framewright";
import { bytes, LawError, laws } from "framewright/testing";

interface Event {
  readonly topic: number;
  readonly body: Uint8Array;
}

/** u24 length of topic and body, topic u8, body. */
const events: Protocol<Event> = defineProtocol<Event>({
  name: "events",
  maxFrame: 4 + 1000,
  measure(bytes, start, end) {
    if (end - start < 3) return 0;
    const length = u24be(bytes, start);
    if (length > 0) return 3 + length;
    throw new ProtocolError("malformed", "an event of 0 bytes has no topic", start);
  },
  decode: (bytes, start, end) => ({
    topic: bytes[start + 3]!,
    body: bytes.subarray(start + 4, end),
  }),
  encode: ({ topic, body }, out) =>
    void out
      .u24be(1 + body.length)
      .u8(topic)
      .bytes(body),
});

/** Does not expect a length of 0 from a peer: the topic is then read after the end of the frame. */
const careless: Protocol<Event> = defineProtocol<Event>({
  ...events,
  name: "careless",
  measure: (bytes, start, end) => (end - start < 3 ? 0 : 3 + u24be(bytes, start)),
});

/** Reads the length before all of its bytes have arrived. */
const hasty: Protocol<Event> = defineProtocol<Event>({
  ...events,
  name: "hasty",
  measure: (bytes, start) => 3 + u24be(bytes, start),
});

const values = fc.record({ topic: fc.nat(255), body: bytes({ max: 1000 }) });

for (const protocol of [hasty, careless, events]) {
  const broken: LawError[] = [];
  for (const law of laws(protocol, values, { seed: 1 })) {
    try {
      await law.check();
    } catch (error) {
      if (!(error instanceof LawError)) throw error;
      broken.push(error);
    }
  }
  console.log(protocol.name, broken.length === 0 ? "keeps all laws" : `breaks ${broken[0]!.law}`);
}
//=> hasty breaks incomplete input
//=> careless breaks no overread
//=> events keeps all laws
