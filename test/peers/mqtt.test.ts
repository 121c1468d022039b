import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeFrame, encodeFrame, type Received, type Sent } from "framewright";
import { connect } from "framewright/node";
import { generate, type Packet, parser } from "mqtt-packet";
import { describe, expect, it } from "vitest";
import { mqtt } from "../../examples/peers/mqtt.ts";
import { freePort, lacks, run, start } from "../support/programs.ts";

type Message = Sent<typeof mqtt>;

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const payload = bytes("hi \u00fc");
const publish = { cmd: "publish", topic: "a/b", payload: Buffer.from(payload) } as const;

/** The same packets in our form and in that of mqtt-packet. */
const packets: readonly (readonly [string, Message, object])[] = [
  [
    "connect",
    { type: "connect", data: { cleanSession: true, keepAlive: 60, clientId: "me" } },
    { cmd: "connect", clean: true, keepalive: 60, clientId: "me" },
  ],
  [
    "connect with all fields",
    {
      type: "connect",
      data: {
        cleanSession: false,
        keepAlive: 5,
        clientId: "x".repeat(200),
        willQos: 2,
        willRetain: true,
        will: { topic: "gone", payload },
        username: "ann",
        password: bytes("secret"),
      },
    },
    {
      cmd: "connect",
      clean: false,
      keepalive: 5,
      clientId: "x".repeat(200),
      will: { topic: "gone", payload: Buffer.from(payload), qos: 2, retain: true },
      username: "ann",
      password: Buffer.from("secret"),
    },
  ],
  [
    "connack",
    { type: "connack", data: { sessionPresent: true, code: "accepted" } },
    { cmd: "connack", sessionPresent: true, returnCode: 0 },
  ],
  [
    "connack that refuses",
    { type: "connack", data: { sessionPresent: false, code: "badLogin" } },
    { cmd: "connack", sessionPresent: false, returnCode: 4 },
  ],
  ...(
    [
      ["publish0", 0, false, false],
      ["publish0Retain", 0, true, false],
      ["publish1", 1, false, false],
      ["publish1Retain", 1, true, false],
      ["publish1Again", 1, false, true],
      ["publish1AgainRetain", 1, true, true],
      ["publish2", 2, false, false],
      ["publish2Retain", 2, true, false],
      ["publish2Again", 2, false, true],
      ["publish2AgainRetain", 2, true, true],
    ] as const
  ).map(([type, qos, retain, dup]): readonly [string, Message, object] => [
    type,
    {
      type,
      data: qos === 0 ? { topic: "a/b", payload } : { topic: "a/b", id: 7, payload },
    } as Message,
    { ...publish, qos, retain, dup, ...(qos > 0 && { messageId: 7 }) },
  ]),
  ...(["puback", "pubrec", "pubrel", "pubcomp", "unsuback"] as const).map(
    (type): readonly [string, Message, object] => [
      type,
      { type, data: { id: 513 } },
      { cmd: type, messageId: 513 },
    ],
  ),
  [
    "subscribe",
    {
      type: "subscribe",
      data: {
        id: 6,
        subscriptions: [
          { topic: "a/#", qos: 1 },
          { topic: "+", qos: 0 },
        ],
      },
    },
    {
      cmd: "subscribe",
      messageId: 6,
      subscriptions: [
        { topic: "a/#", qos: 1 },
        { topic: "+", qos: 0 },
      ],
    },
  ],
  [
    "suback",
    { type: "suback", data: { id: 6, granted: ["qos0", "qos1", "qos2", "failure"] } },
    { cmd: "suback", messageId: 6, granted: [0, 1, 2, 128] },
  ],
  [
    "unsubscribe",
    { type: "unsubscribe", data: { id: 6, topics: ["a", "b/c"] } },
    { cmd: "unsubscribe", messageId: 6, unsubscriptions: ["a", "b/c"] },
  ],
  ...(["pingreq", "pingresp", "disconnect"] as const).map(
    (type): readonly [string, Message, object] => [type, { type, data: {} }, { cmd: type }],
  ),
];

describe("MQTT, compared with mqtt-packet", () => {
  it.each(packets)("%s has the same bytes and values", (_, ours, theirs) => {
    const frame = encodeFrame(mqtt, ours);
    expect(Buffer.from(frame).toString("hex")).toBe(generate(theirs as Packet).toString("hex"));
    expect(decodeFrame(mqtt, frame)).toMatchObject(ours);
    const read: object[] = [];
    const theirParser = parser();
    theirParser.on("packet", (packet: object) => read.push(packet));
    theirParser.parse(Buffer.from(frame));
    expect(read).toHaveLength(1);
    expect(read[0]).toMatchObject(theirs);
  });
});

/** Runs `use` with a broker, and with a folder for its files. */
async function withBroker(
  settings: (folder: string) => string | Promise<string>,
  use: (port: number) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "mqtt-"));
  try {
    chmodSync(folder, 0o755);
    const port = await freePort();
    const config = join(folder, "mosquitto.conf");
    writeFileSync(config, `listener ${port} 127.0.0.1\n${await settings(folder)}\n`);
    const broker = await start("mosquitto", ["-c", config], port);
    await use(port).finally(() => broker.stop());
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const programs = { mosquitto: "mosquitto", mosquitto_passwd: "mosquitto" };

describe.skipIf(lacks(programs))("MQTT, with mosquitto", () => {
  it("connects, subscribes, publishes at every quality of service, pings and disconnects", async () => {
    await withBroker(
      () => "allow_anonymous true",
      async (port) => {
        const client = await connect(mqtt, { host: "127.0.0.1", port });
        const packets = client[Symbol.asyncIterator]();
        const next = async (): Promise<Received<typeof mqtt>> => (await packets.next()).value!;
        client.send({
          type: "connect",
          data: { cleanSession: true, keepAlive: 60, clientId: "", will: { topic: "w", payload } },
        });
        expect(await next()).toEqual({
          type: "connack",
          data: { sessionPresent: false, code: "accepted" },
        });
        const subscriptions = [{ topic: "a/#", qos: 2 }];
        client.send({ type: "subscribe", data: { id: 1, subscriptions } });
        expect(await next()).toEqual({ type: "suback", data: { id: 1, granted: ["qos2"] } });

        const body = { topic: "a/b", payload };
        client.send({ type: "publish0", data: body });
        expect(await next()).toEqual({ type: "publish0", data: body });

        client.send({ type: "publish1", data: { ...body, id: 2 } });
        const two = [await next(), await next()];
        expect(two).toContainEqual({ type: "puback", data: { id: 2 } });
        const once = two.find(({ type }) => type === "publish1")!;
        expect(once).toMatchObject({ data: body });
        client.send({ type: "puback", data: { id: (once.data as { id: number }).id } });

        client.send({ type: "publish2", data: { ...body, id: 3 } });
        expect(await next()).toEqual({ type: "pubrec", data: { id: 3 } });
        client.send({ type: "pubrel", data: { id: 3 } });
        const both = [await next(), await next()];
        expect(both).toContainEqual({ type: "pubcomp", data: { id: 3 } });
        const exactly = both.find(({ type }) => type === "publish2")!;
        expect(exactly).toMatchObject({ data: body });
        const { id } = exactly.data as { id: number };
        client.send({ type: "pubrec", data: { id } });
        expect(await next()).toEqual({ type: "pubrel", data: { id } });
        client.send({ type: "pubcomp", data: { id } });

        client.send({ type: "unsubscribe", data: { id: 4, topics: ["a/#"] } });
        expect(await next()).toEqual({ type: "unsuback", data: { id: 4 } });
        client.send({ type: "pingreq", data: {} });
        expect(await next()).toEqual({ type: "pingresp", data: {} });
        client.send({ type: "disconnect", data: {} });
        expect(await packets.next()).toMatchObject({ done: true });
      },
    );
  });

  it("logs in with a name and a password, and is refused with wrong ones", async () => {
    const settings = async (folder: string): Promise<string> => {
      const file = join(folder, "passwords");
      await run("mosquitto_passwd", ["-c", "-b", file, "ann", "s3cret"]);
      chmodSync(file, 0o644);
      return `allow_anonymous false\npassword_file ${file}`;
    };
    await withBroker(settings, async (port) => {
      const answerTo = async (
        login: Partial<Extract<Message, { type: "connect" }>["data"]>,
      ): Promise<unknown> => {
        const client = await connect(mqtt, { host: "127.0.0.1", port });
        const data = { cleanSession: true, keepAlive: 60, clientId: "", ...login };
        client.send({ type: "connect", data });
        for await (const answer of client) {
          client.send({ type: "disconnect", data: {} });
          return answer.data;
        }
        return undefined;
      };
      const right = { username: "ann", password: bytes("s3cret") };
      expect(await answerTo(right)).toEqual({ sessionPresent: false, code: "accepted" });
      const refused = { sessionPresent: false, code: "notAuthorized" };
      expect(await answerTo({ ...right, password: bytes("secret") })).toEqual(refused);
      expect(await answerTo({ username: "ann" })).toEqual(refused);
      expect(await answerTo({})).toEqual(refused);
    });
  });
});
