// Describes a protocol of nested lists with a checksum once, and gets typed values, frames, laws and
// annotated bytes.
import { decodeFrame, encodeFrame } from "framewright";
import {
  array,
  checksum,
  enumOf,
  type Field,
  lazy,
  match,
  protocolOf,
  rest,
  size,
  struct,
  u8,
  u16be,
  u32be,
  utf8,
} from "framewright/fields";
import { crc16 } from "framewright/framing";
import { explain, hexView } from "framewright/inspect";
import { laws } from "framewright/testing";

type Item =
  | { readonly tag: "int"; readonly value: number }
  | { readonly tag: "text"; readonly value: string }
  | { readonly tag: "list"; readonly value: readonly Item[] };

const item: Field<Item> = struct({
  tag: enumOf(u8, { int: 1, text: 2, list: 3 }),
  length: size(u16be, "value"),
  value: match("tag", { int: u32be, text: utf8(), list: array(lazy((): Field<Item> => item)) }),
});
const messages = protocolOf(
  struct({ length: size(u16be, rest), item, crc: checksum(u16be, crc16("modbus")) }),
  { name: "messages", maxFrame: 65_537 },
);

const list: Item = {
  tag: "list",
  value: [
    { tag: "int", value: 5 },
    { tag: "text", value: "hi" },
  ],
};
const frame = encodeFrame(messages, { item: list });
console.log(hexView(explain(messages, frame), frame));
//=> 0000               messages        struct
//=> 0000  00 11          length        u16be    17  (bytes that follow)
//=> 0002                 item          struct
//=> 0002  03               tag         enum u8  "list"  (3)
//=> 0003  00 0c            length      u16be    12  (bytes of value)
//=> 0005                   value       array    2 items
//=> 0005                     [0]       struct
//=> 0005  01                   tag     enum u8  "int"  (1)
//=> 0006  00 04                length  u16be    4  (bytes of value)
//=> 0008  00 00 00 05          value   u32be    5
//=> 000c                     [1]       struct
//=> 000c  02                   tag     enum u8  "text"  (2)
//=> 000d  00 02                length  u16be    2  (bytes of value)
//=> 000f  68 69                value   utf8     "hi"
//=> 0011  4c 65          crc           u16be    19557  (checksum, correct)

const { item: read } = decodeFrame(messages, frame);
if (read.tag === "list") console.log(read.value.map(({ tag }) => tag).join(", "));
//=> int, text

// One bit is wrong: the error names the field and the byte.
const broken = frame.slice();
broken[8]! ^= 1;
try {
  decodeFrame(messages, broken);
} catch (error) {
  console.log(String(error));
}
//=> ProtocolError: crc: expected checksum 56424 (0xdc68), found 19557 (0x4c65)

const all = laws(messages, { seed: 1, runs: 50 });
for (const law of all) await law.check();
console.log(`keeps ${all.length} laws`);
//=> keeps 20 laws
