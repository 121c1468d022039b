import { type Answer, decode, encode, type Packet } from "dns-packet";
import { decodeFrame, encodeFrame, type Received, type Sent } from "framewright";
import { connect, listen } from "framewright/node";
import { describe, expect, it } from "vitest";
import { dns, nameOf, textOf } from "../../examples/peers/dns.ts";
import { freePort, lacks, run, start } from "../support/programs.ts";

type Message = Sent<typeof dns>["message"];
type Reply = Received<typeof dns>["message"];

const host = "127.0.0.1";
const framed = (message: Buffer): Uint8Array =>
  Uint8Array.of(message.length >> 8, message.length & 255, ...message);

/** Returns records with their names as text; `frame` is the whole frame. */
function texts(message: Reply, frame: Uint8Array): unknown[] {
  const whole = frame.subarray(2);
  return message.answers.map(({ name, type, ttl, data }) => {
    const value =
      data instanceof Uint8Array
        ? [...data].join(".")
        : "labels" in data
          ? textOf(data, whole)
          : "exchange" in data
            ? { ...data, exchange: textOf(data.exchange, whole) }
            : data;
    return { name: textOf(name, whole), type, ttl, data: value };
  });
}

const records: readonly Answer[] = [
  { name: "a.test", type: "A", ttl: 60, data: "10.1.2.3" },
  { name: "www.test", type: "CNAME", ttl: 5, data: "a.test" },
  { name: "test", type: "NS", ttl: 5, data: "ns.test" },
  { name: "3.2.1.10.in-addr.arpa", type: "PTR", ttl: 5, data: "a.test" },
  { name: "test", type: "MX", ttl: 5, data: { preference: 10, exchange: "mail.test" } },
  { name: "a.test", type: "TXT", ttl: 5, data: ["one", "two"] },
];

describe("DNS, compared with dns-packet", () => {
  it("writes the same query, and reads it as the same", () => {
    const message: Message = {
      id: 4711,
      questions: [
        { name: nameOf("www.example.com"), type: "A" },
        { name: nameOf(""), type: "NS" },
      ],
    };
    const frame = encodeFrame(dns, { message });
    const theirs: Packet = {
      type: "query",
      id: 4711,
      flags: 0x100,
      questions: [
        { name: "www.example.com", type: "A" },
        { name: ".", type: "NS" },
      ],
    };
    expect(Buffer.from(frame).toString("hex")).toBe(
      Buffer.from(framed(encode(theirs))).toString("hex"),
    );
    expect(decode(Buffer.from(frame.subarray(2))).questions).toMatchObject(theirs.questions!);
  });

  it("reads answers of every kind as the same, and writes the same bytes", () => {
    const frame = framed(
      encode({
        type: "response",
        id: 1,
        flags: 0x180,
        answers: structuredClone(records) as Answer[],
      }),
    );
    const read = decodeFrame(dns, frame);
    expect(read.message).toMatchObject({ response: true, recursionAvailable: true, code: 0 });
    expect(texts(read.message, frame)).toEqual(
      records.map((record) => ({
        name: record.name,
        type: record.type,
        ttl: (record as { ttl: number }).ttl,
        data: (record as { data: unknown }).data,
      })),
    );
    expect(encodeFrame(dns, read)).toEqual(frame);
  });
});

describe("DNS names", () => {
  it("follow pointers backwards, but not in circles", () => {
    const message = Uint8Array.of(1, 97, 0, 1, 98, 0xc0, 0, 0xc0, 7);
    expect(textOf({ labels: ["c"], pointer: 3 }, message)).toBe("c.b.a");
    expect(() => textOf({ labels: [], pointer: 7 }, message)).toThrow(/points forward/);
  });

  it("are refused with empty or long labels", () => {
    const ask = (label: string) => (): unknown =>
      encodeFrame(dns, {
        message: { id: 1, questions: [{ name: { labels: [label] }, type: "A" }] },
      });
    expect(ask("a".repeat(63))).not.toThrow();
    expect(ask("a".repeat(64))).toThrow(/^message\.questions\[0\]\.name/);
    expect(ask("")).toThrow(/an empty label/);
  });
});

describe.skipIf(lacks({ dnsmasq: "dnsmasq-base" }))("DNS over TCP, with dnsmasq", () => {
  it("resolves addresses, names, mail servers and texts", async () => {
    const port = await freePort();
    const options = [
      "--keep-in-foreground",
      "--conf-file=/dev/null",
      "--pid-file=",
      "--no-resolv",
      "--no-hosts",
      "--user=",
      "--bind-interfaces",
      `--listen-address=${host}`,
      `--port=${port}`,
      "--host-record=a.test,10.1.2.3,fe80::1,60",
      "--cname=www.test,a.test",
      "--mx-host=test,mail.test,10",
      "--txt-record=a.test,one,two",
    ];
    const server = await start("dnsmasq", options, port);
    try {
      const ask = async (name: string, type: "A" | "AAAA" | "MX" | "TXT"): Promise<unknown[]> => {
        const client = await connect(dns, { host, port });
        client.send({ message: { id: 9, questions: [{ name: nameOf(name), type }] } });
        const { value } = await client[Symbol.asyncIterator]().next();
        client.close();
        await client.closed;
        expect(value!.message).toMatchObject({ id: 9, response: true, code: 0 });
        // Written again, it has the same bytes: names point to the same offsets.
        return texts(value!.message, encodeFrame(dns, value!));
      };
      const first = await ask("a.test", "A");
      expect(first).toEqual([{ name: "a.test", type: "A", ttl: 60, data: "10.1.2.3" }]);
      expect(await ask("www.test", "A")).toMatchObject([
        { name: "www.test", type: "CNAME", data: "a.test" },
        { name: "a.test", type: "A", data: "10.1.2.3" },
      ]);
      expect(await ask("a.test", "AAAA")).toMatchObject([
        { type: "AAAA", data: "254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.1" },
      ]);
      expect(await ask("test", "MX")).toMatchObject([
        { type: "MX", data: { preference: 10, exchange: "mail.test" } },
      ]);
      expect(await ask("a.test", "TXT")).toMatchObject([{ type: "TXT", data: ["one", "two"] }]);
    } finally {
      await server.stop();
    }
  });
});

describe.skipIf(lacks({ dig: "bind9-dnsutils" }))("DNS over TCP, with dig", () => {
  it("answers its queries", async () => {
    const asked: Reply[] = [];
    const server = await listen(dns, {
      host,
      port: 0,
      message(connection, { message }) {
        asked.push(message);
        const { name } = message.questions[0]!;
        const one = { name, ttl: 30 };
        connection.send({
          message: {
            id: message.id,
            response: true,
            recursionAvailable: true,
            questions: message.questions,
            answers: [
              { ...one, type: "A", data: Uint8Array.of(10, 9, 8, 7) },
              // Refers to the name of the question by its offset.
              { ...one, name: { labels: [], pointer: 12 }, type: "TXT", data: ["hello"] },
            ],
          },
        });
      },
    });
    try {
      const args = [
        `@${host}`,
        "-p",
        String(server.port),
        "+tcp",
        "+noall",
        "+answer",
        "b.test",
        "A",
      ];
      const output = (await run("dig", args)).toString();
      expect({
        lines: output
          .trim()
          .split("\n")
          .map((line) => line.split(/\s+/)),
      }).toEqual({
        lines: [
          ["b.test.", "30", "IN", "A", "10.9.8.7"],
          ["b.test.", "30", "IN", "TXT", '"hello"'],
        ],
      });
      // dig adds its extensions.
      expect(asked[0]).toMatchObject({
        recursionDesired: true,
        authentic: true,
        additionals: [{ name: { labels: [] }, type: "OPT" }],
      });
    } finally {
      await server.close({ timeout: 100 });
    }
  });
});
