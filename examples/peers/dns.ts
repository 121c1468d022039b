// DNS over TCP (RFC 1035), as a description: queries and answers, with names that point back into the
// message.
import { decodeFrame, decodeUtf8, encodeFrame } from "framewright";
import {
  array,
  ascii,
  bits,
  bytes,
  constant,
  count,
  enumOf,
  type Field,
  flag,
  lazy,
  mapped,
  match,
  protocolOf,
  rest,
  size,
  struct,
  u8,
  u16be,
  u32be,
  utf8,
  withDefault,
} from "framewright/fields";

/** Labels, and the offset in the message of the other labels, if they were written before. */
export interface Name {
  readonly labels: readonly string[];
  readonly pointer?: number | undefined;
}

/** A name on the wire: a number that determines what follows, and its content. */
interface Node {
  readonly first: number;
  readonly rest: Labels | number | object;
}
interface Labels {
  readonly label: string;
  readonly next: Node;
}

const next: Field<Node> = lazy((): Field<Node> => node, 128);
const lengths = Array.from({ length: 63 }, (_, i) => i + 1);
const pointers = Array.from({ length: 64 }, (_, i) => i + 0xc0);
// 0 ends the name, 1 to 63 is the length of a label; from 192 on, six of its bits and the next byte are an
// offset.
const node: Field<Node> = struct({
  first: u8,
  rest: match("first", {
    0: struct({}),
    ...Object.fromEntries(lengths.map((n) => [n, struct({ label: ascii(n), next })])),
    ...Object.fromEntries(pointers.map((n) => [n, u8])),
  }),
}) as unknown as Field<Node>;

const name: Field<Name> = mapped<Node, Node, Name>(node, {
  name: "name",
  read(from) {
    const labels: string[] = [];
    let at = from;
    for (; at.first > 0 && at.first < 64; at = (at.rest as Labels).next) {
      labels.push((at.rest as Labels).label);
    }
    if (at.first === 0) return { labels, pointer: undefined };
    return { labels, pointer: (at.first - 0xc0) * 256 + (at.rest as number) };
  },
  write({ labels, pointer }) {
    if (labels.includes("")) throw new RangeError("an empty label would end the name");
    const last: Node =
      pointer === undefined
        ? { first: 0, rest: {} }
        : { first: 0xc0 + (pointer >> 8), rest: pointer & 255 };
    return labels.reduceRight<Node>(
      (following, label) => ({ first: label.length, rest: { label, next: following } }),
      last,
    );
  },
});

/** Parses `www.example.com` into a name; labels cannot contain dots. */
export const nameOf = (text: string): Name => ({ labels: text.split(".").filter((l) => l !== "") });

/** A name as text. Follows pointers in the message that contains the name, only backwards. */
export function textOf(from: Name, message: Uint8Array): string {
  let text = from.labels.join(".");
  let before = message.length;
  for (let { pointer } = from; pointer !== undefined; ) {
    if (pointer >= before) throw new RangeError("a name points forward");
    before = pointer;
    let at = pointer;
    let length = message[at]!;
    for (; length > 0 && length < 64; length = message[at] ?? 0) {
      if (at + length >= message.length) throw new RangeError("a name is cut off");
      text += `${text === "" ? "" : "."}${decodeUtf8(message, at + 1, at + 1 + length)}`;
      at += 1 + length;
    }
    pointer = length < 64 ? undefined : (length & 63) * 256 + (message[at + 1] ?? 0);
  }
  return text;
}

const type = enumOf(
  u16be,
  { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, MX: 15, TXT: 16, AAAA: 28, OPT: 41 },
  { open: true },
);
const question = struct({ name, type, class: withDefault(u16be, 1) });
const record = struct({
  name,
  type,
  class: withDefault(u16be, 1),
  ttl: u32be,
  length: size(u16be, "data"),
  data: match(
    "type",
    {
      A: bytes(4),
      AAAA: bytes(16),
      NS: name,
      CNAME: name,
      PTR: name,
      MX: struct({ preference: u16be, exchange: name }),
      TXT: array(utf8(u8)),
    },
    bytes(),
  ),
});
const message = struct({
  id: u16be,
  response: withDefault(flag, false),
  opcode: withDefault(bits(4), 0),
  authoritative: withDefault(flag, false),
  truncated: withDefault(flag, false),
  recursionDesired: withDefault(flag, true),
  recursionAvailable: withDefault(flag, false),
  reserved: constant(bits(1), 0),
  authentic: withDefault(flag, false),
  checkingDisabled: withDefault(flag, false),
  code: withDefault(bits(4), 0),
  questionCount: count(u16be, "questions"),
  answerCount: count(u16be, "answers"),
  authorityCount: count(u16be, "authorities"),
  additionalCount: count(u16be, "additionals"),
  questions: withDefault(array(question), []),
  answers: withDefault(array(record), []),
  authorities: withDefault(array(record), []),
  additionals: withDefault(array(record), []),
});
export const dns = protocolOf(struct({ length: size(u16be, rest), message }), {
  name: "DNS over TCP",
  maxFrame: 65_537,
});

const query = encodeFrame(dns, {
  message: { id: 1, questions: [{ name: nameOf("a.bc"), type: "AAAA" }] },
});
console.log(query.join(" "));
//=> 0 22 0 1 1 0 0 1 0 0 0 0 0 0 1 97 2 98 99 0 0 28 0 1

// The name in the answer points to byte 12: the name in the question.
const answer = [0, 1, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, 1, 97, 2, 98, 99, 0, 0, 1, 0, 1];
const found = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1];
const reply = Uint8Array.of(0, answer.length + found.length, ...answer, ...found);
for (const one of decodeFrame(dns, reply).message.answers) {
  const host = textOf(one.name, reply.subarray(2));
  console.log(host, one.type, one.data instanceof Uint8Array ? one.data.join(".") : one.data);
}
//=> a.bc A 127.0.0.1
