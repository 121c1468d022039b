import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Codec,
  decodeAll,
  encodeFrame,
  type Protocol,
  type ProtocolError,
  raw,
} from "../../src/core/index.ts";
import { compiled } from "../../src/fields/compiled/index.ts";
import { type Field, protocolOf } from "../../src/fields/index.ts";
import { perMessage } from "../../src/framing/index.ts";
import {
  command,
  commandFields,
  fastway,
  fastwayFields,
  linkFixlen,
  linkFixlenFields,
  packet,
  packetFields,
  type Side,
} from "../../src/protocols/fastway/index.ts";
import {
  chatReceive,
  chatReceiveFields,
  chatReply,
  chatReplyFields,
  chatSend,
  chatSendFields,
  goim,
  goimFields,
} from "../../src/protocols/goim/index.ts";
import { gatewayFields, gatewayProtocol } from "../../src/protocols/workerman/index.ts";
import { agreement, bytes, laws, refusedOf, valuesOf } from "../../src/testing/index.ts";
import { keeps } from "../support/laws.ts";

/*
 * The ready formats twice: by hand and as descriptions. Both must write the same bytes, read the same values, refuse
 * the same ones, and end bad bytes and junk with the same code after the same frames.
 */

const RUNS = 60;

function agree<In, Out>(
  name: string,
  field: Field<In, Out>,
  described: Codec<In, Out>,
  byHand: Codec<In, Out>,
  values: fc.Arbitrary<In & Out> = valuesOf(field, { max: 200 }),
  refused: fc.Arbitrary<unknown> | undefined = refusedOf(field, { max: 200 }),
): void {
  keeps(
    `${name}, described and by hand`,
    agreement<In, Out>(described, byHand, values, { runs: RUNS, refused }),
  );
  const ignores = (bytes: Uint8Array, at: number): boolean =>
    at === bytes.length && name.includes("ignoreExtra true");
  keeps(
    `${name}, described`,
    laws<In, Out>(described, values, {
      runs: 20,
      ...(name.includes("ignoreExtra true") && { ignores }),
    }),
  );
}

const maxFrame = 300;

agree(
  "goim",
  goimFields(),
  protocolOf(goimFields(), { name: "goim", maxFrame, upTo: "headerLength" }),
  goim({ maxFrame }),
);
agree("goim chat, sent", chatSendFields(), perMessage().wrap(chatSendFields()), chatSend());
agree(
  "goim chat, received",
  chatReceiveFields(),
  perMessage().wrap(chatReceiveFields()),
  chatReceive(),
);
for (const ignoreExtra of [false, true]) {
  const field = chatReplyFields({ ignoreExtra });
  agree(
    `goim chat reply, ignoreExtra ${ignoreExtra}`,
    field,
    perMessage().wrap(field),
    chatReply({ ignoreExtra }),
  );
}

const maxPacket = maxFrame - 4;
agree(
  "fastway packets",
  packetFields(),
  protocolOf(packetFields(), { name: "packets", maxFrame }),
  packet({ maxPacket }),
);

/** By hand: what one side sends, and the other one reads. */
function between<In, Out>(
  open: (side: Side | undefined) => Protocol<In, Out>,
  from: Side | undefined,
): Protocol<In, Out> {
  if (from === undefined) return open(undefined);
  const to = from === "endpoint" ? "gateway" : "endpoint";
  const [reader, writer] = [open(to), open(from)];
  return { ...reader, encode: writer.encode };
}

for (const dialect of ["v1", "v2"] as const) {
  for (const side of [undefined, "endpoint", "gateway"] as const) {
    const name = `fastway ${dialect} of ${side ?? "both sides"}`;
    const commands = commandFields({ dialect, side }) as unknown as Field<unknown>;
    agree(
      `${name}, commands`,
      commands,
      protocolOf(commands, { name: "commands", maxFrame }),
      between(
        (one) => command({ dialect, side: one, maxPacket }) as unknown as Protocol<unknown>,
        side,
      ),
    );
    const all = fastwayFields({ dialect, side }) as unknown as Field<unknown>;
    const messages = fc.record(
      {
        type: fc.constant("message"),
        connId: fc.integer({ min: 1, max: 0xffff_ffff }),
        message: bytes({ max: 200 }),
      },
      { noNullPrototype: true },
    );
    agree(
      name,
      all,
      protocolOf(all, { name: "fastway", maxFrame }),
      between(
        (one) => fastway({ dialect, side: one, maxPacket }) as unknown as Protocol<unknown>,
        side,
      ),
      fc.oneof(messages, valuesOf(commands)),
    );
  }
}

for (const width of [1, 2, 4, 8] as const) {
  for (const endian of ["be", "le"] as const) {
    const field = linkFixlenFields({ width, endian });
    const most = Math.min(255, maxFrame);
    agree(
      `link FixLen, ${width} bytes ${endian}`,
      field,
      protocolOf(field, { name: "FixLen", maxFrame: width + most }),
      linkFixlen({ width, endian, maxReceive: most }).wrap(raw()),
      undefined,
      fc.oneof(refusedOf(field), fc.constant(new Uint8Array(most + 1))),
    );
  }
}

const gateway = gatewayFields() as unknown as Field<{ readonly flag: number }>;
const gatewayByHand = gatewayProtocol({ maxFrame }) as unknown as Protocol<{ flag: number }>;
agree(
  "GatewayWorker",
  gateway,
  protocolOf(gateway, { name: "gateway", maxFrame, upTo: "ext_len" }),
  gatewayByHand,
  // By hand, the type of the body says whether it is a scalar: bytes are.
  valuesOf(gateway, { max: 200 }).map((value) => ({ ...value, flag: value.flag | 1 })),
  // By hand, texts are taken for bytes.
  refusedOf(gateway, { max: 200 }).filter(
    (value) => !Object.values(value ?? {}).some((member) => typeof member === "string"),
  ),
);
describe("GatewayWorker, described and by hand", () => {
  it("gives the same answer to every changed byte of a stream, however much of it is here", () => {
    const frames = protocolOf(gateway, { name: "gateway", maxFrame, upTo: "ext_len" });
    const one = encodeFrame(frames, {
      cmd: 1,
      ext_data: new Uint8Array(2),
      body: new Uint8Array(3),
    } as never);
    const codes = new Set<unknown>();
    for (const mine of [frames, compiled(frames)]) {
      for (let at = 0; at < one.length; at++) {
        for (const byte of [0, 1, 5, 6, 27, 28, 33, 34, 255]) {
          const two = Uint8Array.of(...one, ...one);
          two[at] = byte;
          for (let end = 0; end <= two.length; end++) {
            const cut = two.subarray(0, end);
            const theirs = outcome(gatewayByHand, cut);
            codes.add(typeof theirs === "string" ? theirs : "values");
            expect(outcome(mine, cut), `byte ${byte} at ${at}, ${end} bytes`).toEqual(theirs);
          }
        }
      }
    }
    expect([...codes].sort()).toEqual(["malformed", "too-long", "truncated", "values"]);
  });
});

/** The values, or the code of the error. */
function outcome(protocol: Protocol<never, unknown>, bytes: Uint8Array): unknown {
  try {
    return decodeAll(protocol, bytes);
  } catch (error) {
    return (error as ProtocolError).code;
  }
}
