import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { nats, type Received, type Sent } from "../../examples/peers/_nats.ts";
import { tcpRequest, tcpResponse } from "../../examples/peers/modbus.ts";
import { duplex, type Protocol } from "../../src/index.ts";
import { fastway } from "../../src/protocols/fastway/index.ts";
import { batch, goim } from "../../src/protocols/goim/index.ts";
import { parse, sprotoRpc } from "../../src/protocols/sproto/index.ts";
import { connect, listen } from "../../src/transports/node/index.ts";
import { hexOf } from "../support/hex.ts";
import { freePort, lacks, type Running, run, start } from "../support/programs.ts";
import {
  decoded,
  example,
  framewright,
  type Messages,
  recorded,
  valuesOf,
} from "../support/recorded.ts";
import { dissected } from "../support/wireshark.ts";

// What real programs say to each other, recorded by `framewright proxy --quiet --record`: `framewright decode` reads all of it,
// and so do the dissectors of `framewright generate lua` in tshark.

const host = "127.0.0.1";
const folder = mkdtempSync(join(tmpdir(), "framewright-captures-"));
const running: Running[] = [];
afterAll(async () => {
  for (const { stop } of running) await stop();
  rmSync(folder, { recursive: true, force: true });
});

/** tshark shows as many frames, of the same sizes, and finds none malformed. */
async function shownWhole(
  path: string,
  port: number,
  protocols: readonly string[],
  { asked, replied }: Messages,
): Promise<void> {
  const name = ["--name", "fw_recorded", "--port", String(port)];
  const { out } = await framewright("generate", "lua", ...name, ...protocols);
  const found = await dissected({ scripts: [out], capture: readFileSync(path) });
  const frames = found.get("fw_recorded")!;
  expect(frames.flatMap(({ faults }) => faults)).toEqual([]);
  const sizes = (all: readonly { readonly size: number }[]): number[] =>
    all.map(({ size }) => size).sort((a, b) => a - b);
  expect(sizes(frames)).toEqual(sizes([...asked, ...replied]));
}

const wireshark = { tshark: "tshark" };

describe.skipIf(lacks({ "redis-server": "redis-server", "redis-cli": "redis-tools" }))(
  "redis",
  () => {
    it("decodes all that redis-cli and Redis say", { timeout: 120_000 }, async () => {
      const port = await freePort();
      const where = ["--port", String(port), "--bind", host, "--dir", folder];
      running.push(
        await start("redis-server", [...where, "--save", "", "--appendonly", "no"], port),
      );
      const commands = ["SET a 1", "INCR a", "RPUSH l x y z", "LRANGE l 0 -1", "GET none", "NOPE"];
      const path = await recorded(port, (to) =>
        run("redis-cli", ["-h", host, "-p", String(to)], { input: `${commands.join("\n")}\n` }),
      );
      const protocols = ["--protocol", `${example("_resp.ts")}#server`];
      const { asked, replied } = await decoded(path, port, [
        ...protocols,
        ...["--replies", `${example("_resp.ts")}#client`],
      ]);
      // Some versions ask for the commands that there are first.
      const said = valuesOf(asked).map((value) => (value as string[]).join(" "));
      expect(said.slice(-commands.length)).toEqual(commands);
      expect(replied.length).toBe(asked.length);
      expect(valuesOf(replied).slice(-commands.length, -1)).toEqual([
        "OK",
        2,
        3,
        ["x", "y", "z"],
        null,
      ]);
    });
  },
);

describe.skipIf(lacks({ "nats-server": "nats-server" }))("nats", () => {
  it("decodes all that clients and nats-server say", { timeout: 120_000 }, async () => {
    const port = await freePort();
    running.push(await start("nats-server", ["-a", host, "-p", String(port)], port));
    const body = Uint8Array.of(1, 13, 10, 0);
    const sent: readonly Sent[] = [
      { op: "line", text: 'CONNECT {"verbose":false}' },
      { op: "line", text: "SUB a.* 1" },
      { op: "pub", subject: "a.1", body },
      { op: "pub", subject: "a.2", reply: "b", body: new Uint8Array(0) },
      { op: "pub", subject: "a.3", body: new Uint8Array(5000).fill(10) },
    ];
    const path = await recorded(port, async (to) => {
      const received: unknown[] = [];
      const connection = await connect(nats, {
        ...{ host, port: to },
        message: (_, value) => void received.push(value.op),
      });
      for (const value of sent) connection.send(value);
      await expect
        .poll(() => received.filter((op) => op === "msg").length, { timeout: 20_000 })
        .toBe(3);
      connection.close();
      await connection.closed;
    });
    const { asked, replied } = await decoded(path, port, [
      ...["--protocol", `${example("_nats.ts")}#natsServer`],
      ...["--replies", `${example("_nats.ts")}#nats`],
    ]);
    const inHex = (value: Sent | Received): unknown =>
      "body" in value ? { ...value, body: { $bytes: hexOf(value.body) } } : value;
    expect(valuesOf(asked)).toEqual(sent.map(inHex));
    const delivered = sent.flatMap((value) =>
      value.op === "pub" ? [{ ...value, op: "msg", sid: "1" } as const] : [],
    );
    expect(valuesOf(replied)).toEqual([
      expect.objectContaining({ op: "line", verb: "INFO" }),
      ...delivered.map(inHex),
    ]);
  });
});

describe.skipIf(
  lacks({ mosquitto: "mosquitto", mosquitto_pub: "mosquitto-clients", ...wireshark }),
)("mqtt", () => {
  it("decodes all that mosquitto and its clients say", { timeout: 120_000 }, async () => {
    const port = await freePort();
    const config = join(folder, "mosquitto.conf");
    writeFileSync(config, `listener ${port} ${host}\nallow_anonymous true\nuser root\n`);
    running.push(await start("mosquitto", ["-c", config], port));
    const path = await recorded(port, async (to) => {
      const where = ["-h", host, "-p", String(to), "-V", "mqttv311"];
      for (const qos of ["0", "1", "2"]) {
        await run("mosquitto_pub", [
          ...where,
          "-t",
          `t/${qos}`,
          "-q",
          qos,
          "-r",
          "-m",
          "hello".repeat(40),
        ]);
        await run("mosquitto_sub", [...where, "-t", `t/${qos}`, "-q", qos, "-C", "1", "-W", "20"]);
      }
    });
    const protocols = ["--protocol", `${example("mqtt.ts")}#mqtt`];
    const messages = await decoded(path, port, protocols);
    const types = messages.asked.map(({ value }) => (value as { type: string }).type);
    expect(types).toEqual(
      expect.arrayContaining([
        "connect",
        "publish0Retain",
        "publish1Retain",
        "publish2Retain",
        "subscribe",
      ]),
    );
    await shownWhole(path, port, protocols, messages);
  });
});

describe.skipIf(lacks({ dnsmasq: "dnsmasq-base", dig: "bind9-dnsutils" }))("dns", () => {
  it("decodes all that dig and dnsmasq say", { timeout: 120_000 }, async () => {
    const port = await freePort();
    const options = [
      "--no-daemon",
      "--no-resolv",
      "--no-hosts",
      `--port=${port}`,
      `--listen-address=${host}`,
    ];
    const records = [
      "--bind-interfaces",
      "--address=/one.test/192.0.2.1",
      "--txt-record=text.test,hello",
      "--conf-file=/dev/null",
    ];
    running.push(await start("dnsmasq", [...options, ...records], port));
    const path = await recorded(port, async (to) => {
      for (const [name, type] of [
        ["one.test", "A"],
        ["text.test", "TXT"],
      ] as const) {
        await run("dig", [`@${host}`, "-p", String(to), "+tcp", "+short", name, type]);
      }
    });
    const { asked, replied } = await decoded(path, port, [
      "--protocol",
      `${example("dns.ts")}#dns`,
    ]);
    expect([asked.length, replied.length]).toEqual([2, 2]);
  });
});

interface ModbusClient {
  connectTCP(host: string, options: { port: number }): Promise<void>;
  readHoldingRegisters(address: number, count: number): Promise<{ data: number[] }>;
  setID(id: number): void;
  setTimeout(duration: number): void;
  close(done: () => void): void;
}

describe.skipIf(lacks(wireshark))("modbus", () => {
  it("decodes all that modbus-serial and a server of ours say", { timeout: 120_000 }, async () => {
    const server = await listen(duplex({ read: tcpRequest, write: tcpResponse }), {
      ...{ host, port: 0 },
      message(peer, { transaction, unit }) {
        const fn = "readHoldingRegisters";
        peer.send({ transaction, unit, fn, data: { values: [7, 8] } } as never);
      },
    });
    const ModbusRTU = createRequire(import.meta.url)("modbus-serial") as new () => ModbusClient;
    const path = await recorded(server.port, async (port) => {
      const client = new ModbusRTU();
      await client.connectTCP(host, { port });
      client.setID(3);
      client.setTimeout(30_000);
      expect((await client.readHoldingRegisters(1, 2)).data).toEqual([7, 8]);
      await new Promise<void>((resolve) => client.close(resolve));
    });
    const protocols = [
      ...["--protocol", `${example("modbus.ts")}#tcpRequest`],
      ...["--replies", `${example("modbus.ts")}#tcpResponse`],
    ];
    const messages = await decoded(path, server.port, protocols);
    await shownWhole(path, server.port, protocols, messages);
    await server.close();
  });
});

describe.skipIf(lacks(wireshark))("our own protocols", () => {
  const text = (n: number): Uint8Array => Buffer.from("x".repeat(n));

  /** A client sends values, which a server answers with what `reply` makes of them. */
  async function conversation<In, Out>(
    client: Protocol<In, Out>,
    server: Protocol<In, Out>,
    values: readonly In[],
    reply: (value: Out) => In,
    protocols: readonly string[],
  ): Promise<void> {
    const comet = await listen(server, {
      ...{ host, port: 0 },
      message: (peer, value) => void peer.send(reply(value)),
    });
    const path = await recorded(comet.port, async (port) => {
      let replies = 0;
      const connection = await connect(client, { host, port, message: () => void replies++ });
      for (const value of values) if (!connection.send(value)) await connection.ready();
      await expect.poll(() => replies, { timeout: 60_000 }).toBe(values.length);
      connection.close();
      await connection.closed;
    });
    const messages = await decoded(path, comet.port, protocols);
    expect([messages.asked.length, messages.replied.length]).toEqual([
      values.length,
      values.length,
    ]);
    await shownWhole(path, comet.port, protocols, messages);
    await comet.close();
  }

  it("goim", { timeout: 120_000 }, async () => {
    const protocol = goim({ flatten: false });
    const packets = Array.from({ length: 200 }, (_, n) => ({ op: 4, seq: n, body: text(n * 7) }));
    const values = [...packets, batch(packets.slice(0, 20))];
    const echo = (packet: object): never => packet as never;
    await conversation(protocol, protocol, values as never[], echo, [
      ...["--protocol", "goim:flatten=false"],
    ]);
  });

  it("fastway", { timeout: 120_000 }, async () => {
    const protocol = fastway({ dialect: "v2" });
    const values = Array.from({ length: 100 }, (_, n) =>
      n % 2 === 0
        ? ({ type: "dial", remoteId: n } as const)
        : ({ type: "message", connId: n, message: text(n * 9) } as const),
    );
    const reply = (value: (typeof values)[number]): never =>
      (value.type === "dial"
        ? { type: "accept", connId: 1, remoteId: value.remoteId }
        : value) as never;
    await conversation(protocol as never, protocol as never, values as never[], reply, [
      ...["--protocol", "fastway:dialect=v2"],
    ]);
  });

  it("calls of sproto", { timeout: 120_000 }, async () => {
    const schema = join(folder, "calls.sproto");
    writeFileSync(
      schema,
      ".package { type 0 : integer  session 1 : integer }\nsay 1 { request { text 0 : string } response { text 0 : string } }\n",
    );
    const both = parse(readFileSync(schema, "utf8")) as never;
    const rpc = sprotoRpc({ local: both, remote: both }) as Protocol<never, unknown>;
    const values = Array.from({ length: 50 }, (_, n) => ({
      ...{ kind: "request", name: "say", session: n + 1, args: { text: "x".repeat(n * 5) } },
    }));
    const reply = (value: unknown): never => {
      const { session, args } = value as { session: number; args: object };
      return { kind: "response", name: "say", session, args } as never;
    };
    await conversation(rpc, rpc, values as never[], reply, [
      ...["--protocol", `sproto-rpc:local=${schema},remote=${schema}`],
    ]);
  });
});
