import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Connection,
  json,
  lengthPrefixed,
  lines,
  ProtocolError,
  perMessage,
  raw,
  utf8,
} from "../../../src/index.ts";
import { heartbeat, Requests, reconnecting, watchSilence } from "../../../src/session/index.ts";
import { connect, listen, Network, networkScripts } from "../../../src/testing/index.ts";

const text = lines().wrap(utf8());

/** A server that answers in upper case, and what it was told. */
function upper(network: Network, options: object = {}) {
  const told: string[] = [];
  const server = listen(text, {
    network,
    port: 1,
    message(connection: Connection<string>, line: string) {
      told.push(line);
      connection.send(line.toUpperCase());
    },
    ...options,
  });
  return { server, told };
}

/** A run of a few clients, as its history. */
async function played(options: ConstructorParameters<typeof Network>[0]) {
  const network = new Network(options);
  const { told } = upper(network);
  const came: string[] = [];
  const clients = await network.settle(
    Promise.all(
      ["a", "b"].map((name) =>
        connect(text, {
          network,
          port: 1,
          message: (_, line) => void came.push(`${name} ${line}`),
        }),
      ),
    ),
  );
  for (let i = 0; i < 20; i++) for (const client of clients) client.send(`line ${i}`);
  await network.run(5000);
  return { history: [...network.history], told, came, now: network.clock.now() };
}

describe("a simulated network", () => {
  it("does the same again for the same seed, and something else for another one", async () => {
    const one = await played({ seed: 5 });
    expect(await played({ seed: 5 })).toEqual(one);
    const { history, came } = await played({ seed: 6 });
    expect(history).not.toEqual(one.history);
    expect([...came].sort()).toEqual([...one.came].sort());
  });

  it("delivers all bytes in order, in pieces, within the latency", async () => {
    for (const seed of [1, 2, 3]) {
      const network = new Network({ seed, latency: [10, 30], capacity: 100 });
      const { told } = upper(network);
      const client = await network.settle(connect(text, { network, port: 1 }));
      // The way there, and the way back.
      expect(network.clock.now()).toBeGreaterThanOrEqual(20);
      expect(network.clock.now()).toBeLessThanOrEqual(60);
      const sent = Array.from({ length: 50 }, (_, i) => `line ${i}`);
      const answers: string[] = [];
      const reading = (async () => {
        for await (const line of client) {
          answers.push(line);
          if (answers.length === sent.length) return;
        }
      })();
      for (const line of sent) {
        client.send(line);
        await network.run(1);
      }
      await network.settle(reading);
      expect(told).toEqual(sent);
      expect(answers).toEqual(sent.map((line) => line.toUpperCase()));
    }
  });

  it("takes its time with bandwidth, and makes senders wait", async () => {
    const network = new Network({ latency: [0, 0], bandwidth: 100, capacity: 1000, cuts: false });
    const blob = lengthPrefixed({ width: 4 }).wrap(raw());
    let got = 0;
    listen(blob, {
      network,
      port: 1,
      message(_, bytes) {
        got += bytes.length;
      },
    });
    const client = await network.settle(connect(blob, { network, port: 1, highWater: 1000 }));
    let accepted = 0;
    while (client.send(new Uint8Array(496)) && accepted < 100) accepted++;
    expect(accepted).toBeLessThan(10);
    const before = network.clock.now();
    await network.settle(client.ready());
    await network.run(1000);
    expect(got).toBe((accepted + 1) * 496);
    expect(network.clock.now() - before).toBeGreaterThanOrEqual(5);
  });

  it("ends a half at a time", async () => {
    const network = new Network();
    const { told } = upper(network, {
      end: (connection: Connection<string>) => {
        connection.send("bye");
        connection.close();
      },
    });
    const came: string[] = [];
    const client = await network.settle(
      connect(text, { network, port: 1, message: (_, line) => void came.push(line) }),
    );
    client.send("x");
    client.end();
    const info = await network.settle(client.closed);
    expect(info.error).toBeUndefined();
    expect(told).toEqual(["x"]);
    expect(came).toEqual(["X", "bye"]);
  });

  it("refuses where nobody listens, and does not answer behind a partition", async () => {
    const network = new Network();
    const refused = connect(text, { network, port: 9 });
    await expect(network.settle(refused)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    upper(network);
    network.partition("client", "server");
    const silent = connect(text, { network, port: 1, connectTimeout: 700 });
    const failure = network.settle(silent);
    await expect(failure).rejects.toThrow(ProtocolError);
    await expect(failure).rejects.toMatchObject({ code: "timeout" });
    expect(network.clock.now()).toBeGreaterThanOrEqual(700);
    network.heal("client", "server");
    await network.settle(connect(text, { network, port: 1 }));
  });

  it("holds what is sent into a partition, and brings it when that ends", async () => {
    const network = new Network();
    const { told } = upper(network);
    const client = await network.settle(connect(text, { network, port: 1 }));
    network.partition("server", "client");
    client.send("late");
    await network.run(20_000);
    expect(told).toEqual([]);
    network.heal("client", "server");
    await network.run(100);
    expect(told).toEqual(["late"]);
  });

  it("breaks connections, of all hosts or of one", async () => {
    const network = new Network();
    const { server } = upper(network);
    const [a, b] = await network.settle(
      Promise.all(["a", "b"].map((from) => connect(text, { network, port: 1, from }))),
    );
    network.reset("a");
    expect((await network.settle(a!.closed)).error).toMatchObject({ code: "ECONNRESET" });
    expect(b!.state).toBe("open");
    expect(server.connections.size).toBe(1);
    network.crash("server");
    expect((await network.settle(b!.closed)).by).toBe("error");
    await expect(network.settle(connect(text, { network, port: 1 }))).rejects.toMatchObject({
      code: "ECONNREFUSED",
    });
  });

  it("delivers a write in several pieces with cuts, and in one without", async () => {
    for (const cuts of [true, false]) {
      const network = new Network({ seed: 2, cuts });
      const { told } = upper(network);
      const client = await network.settle(connect(text, { network, port: 1 }));
      const sent = Array.from({ length: 10 }, (_, i) => String(i).repeat(100));
      for (const line of sent) {
        client.send(line);
        await network.run(100);
      }
      const pieces = network.history.filter((line) => /client -> server \d+ bytes/.test(line));
      expect(told).toEqual(sent);
      if (cuts) expect(pieces.length).toBeGreaterThan(12);
      else expect(pieces.length).toBe(10);
    }
  });

  it("holds pieces up with stalls, and all that comes after them", async () => {
    const stalls = { chance: 0.2, most: 5000 };
    const times: number[] = [];
    const network = new Network({ seed: 1, latency: [10, 10], cuts: false, stalls });
    const lines: string[] = [];
    listen(text, {
      network,
      port: 1,
      message(_, line) {
        lines.push(line);
        times.push(network.clock.now());
      },
    });
    const client = await network.settle(connect(text, { network, port: 1 }));
    const sent: number[] = [];
    for (let i = 0; i < 100; i++) {
      sent.push(network.clock.now());
      client.send(String(i));
      await network.run(20);
    }
    await network.run(5010);
    expect(lines).toEqual(sent.map((_, i) => String(i)));
    const delays = times.map((time, i) => time - sent[i]!);
    expect(Math.max(...delays)).toBeGreaterThan(1000);
    expect(Math.max(...delays)).toBeLessThanOrEqual(5010);
    expect(delays.filter((delay) => delay < 11).length).toBeGreaterThan(0);
  });

  it("breaks connections behind a piece with resets, as often as it was told", async () => {
    const survivors = async (resets: number): Promise<number> => {
      let count = 0;
      for (let seed = 0; seed < 100; seed++) {
        const network = new Network({ seed, resets, cuts: false });
        const { told } = upper(network);
        const client = await network.settle(connect(text, { network, port: 1, message() {} }));
        client.send("x");
        await network.run(1000);
        if (client.state === "open") count++;
        else expect((await client.closed).error).toMatchObject({ code: "ECONNRESET" });
        expect(told.length).toBeLessThanOrEqual(1);
      }
      return count;
    };
    expect(await survivors(0)).toBe(100);
    // A request and its answer.
    const some = await survivors(0.3);
    expect(some).toBeGreaterThan(30);
    expect(some).toBeLessThan(70);
    expect(await survivors(1)).toBe(0);
  });

  it("keeps messages whole and separate with boundary message, and ends both halves at once", async () => {
    const messages = perMessage().wrap(raw());
    const network = new Network({ boundary: "message", seed: 3 });
    const sizes: number[] = [];
    let ends = 0;
    listen(messages, {
      network,
      port: 1,
      message: (connection, bytes) => {
        sizes.push(bytes.length);
        connection.send(bytes);
      },
      end: () => void ends++,
    });
    const back: number[] = [];
    const client = await network.settle(
      connect(messages, { network, port: 1, message: (_, { length }) => void back.push(length) }),
    );
    const lengths = [3, 0, 1000, 1, 0, 50];
    for (const length of lengths) client.send(new Uint8Array(length));
    await network.run(1000);
    expect([sizes, back]).toEqual([lengths, lengths]);
    client.close();
    expect(await network.settle(client.closed)).toMatchObject({ by: "local" });
    // A framing is what streams need, and messages do not.
    expect(() => listen(messages, { network: new Network(), port: 1 })).toThrow("a stream needs");
    expect(() => new Network({ boundary: "packet" as never })).toThrow(RangeError);
  });

  it("throws what a handler threw, at once or later, whichever it is", async () => {
    const bug = (): never => {
      throw new Error("a bug");
    };
    const later = () => Promise.reject(new Error("a bug"));
    const happen = async (handlers: object): Promise<void> => {
      const network = new Network({ capacity: 10 });
      const quiet = { message() {}, maxQueued: Number.POSITIVE_INFINITY };
      listen(text, { network, port: 1, ...quiet, ...handlers });
      const client = await network.settle(connect(text, { network, port: 1, message() {} }));
      client.send("x");
      await network.run(100);
      client.close();
      await network.run(1000);
    };
    await happen({ message() {} });
    // More than the network takes at once.
    const flood = (connection: Connection<string>) => {
      for (let i = 0; i < 20; i++) connection.send("0123456789");
    };
    for (const handlers of [
      { message: bug },
      { message: later },
      { open: bug },
      { open: later },
      { end: bug },
      { close: bug },
      { context: bug },
      { message: flood, drain: bug, highWater: 20 },
      { idleTimeout: 50, error: bug },
    ]) {
      const outcome = await happen(handlers).catch(({ message }: Error) => message);
      expect([Object.entries(handlers).join(), outcome]).toEqual([expect.any(String), "a bug"]);
    }
  });

  it("closes a server when its connections are gone, and frees its port", async () => {
    const network = new Network();
    const { server } = upper(network);
    const client = await network.settle(connect(text, { network, port: 1, message() {} }));
    expect(() => upper(network)).toThrow("server:1 is already in use");
    await network.settle(server.close());
    expect((await network.settle(client.closed)).by).toBe("peer");
    upper(network);
  });

  it("tells what happened last when a promise stays pending", async () => {
    const network = new Network();
    upper(network);
    const client = await network.settle(connect(text, { network, port: 1 }));
    await expect(network.settle(client.closed, 50)).rejects.toThrow(
      /pending, and 50 ms have passed\n.*connect/s,
    );
    await expect(network.settle(new Promise(() => {}))).rejects.toThrow("still pending");
  });

  it("keeps the limits of servers for strangers, in virtual time", async () => {
    const network = new Network();
    upper(network);
    const client = await network.settle(connect(text, { network, port: 1, message() {} }));
    const info = await network.settle(client.closed);
    expect(info.error).toMatchObject({ code: "ECONNRESET" });
    expect(network.clock.now()).toBeGreaterThanOrEqual(30_000);
    expect(network.clock.now()).toBeLessThan(32_000);
  });

  it("refuses options that make no sense", () => {
    expect(() => new Network({ sed: 1 } as object)).toThrow(/no option "sed"/);
    expect(() => new Network({ latency: [-1, 2] })).toThrow(RangeError);
    expect(() => listen(text, { network: {} as Network, port: 1 })).toThrow("must be a Network");
  });

  it("is quiet behind the end of a script, which shrinks to what matters", async () => {
    const calm = await played({ script: [] });
    // Nothing is cut: what was sent in one turn comes in one piece.
    expect(calm.history.filter((line) => /client -> server \d/.test(line))).toHaveLength(2);
    const property = fc.asyncProperty(networkScripts(40), async (script) => {
      const network = new Network({ script });
      let pieces = 0;
      listen(raw4, { network, port: 1, message: () => void pieces++ });
      const client = await network.settle(connect(raw4, { network, port: 1 }));
      client.send(new Uint8Array(60));
      await network.run(1000);
      // A "bug": two cuts are too many.
      return network.history.filter((line) => line.includes("client -> server ")).length < 4;
    });
    const found = await fc.check(property, { seed: 3, numRuns: 200 });
    expect(found.failed).toBe(true);
    const [script] = found.counterexample ?? [[]];
    // Delays stay as they are at the least, and what is left are the cuts.
    expect(script!.length).toBeLessThan(12);
  });
});

const raw4 = lengthPrefixed({ width: 4 }).wrap(raw());

describe("sessions over a simulated network", () => {
  it("find a silent peer by a heartbeat, as late as they were told", async () => {
    const network = new Network({ latency: [5, 5] });
    let beats = 0;
    listen(text, { network, port: 1, firstMessageTimeout: 0, message: () => void beats++ });
    const ended: unknown[] = [];
    const client = await network.settle(
      connect(text, {
        ...{ network, port: 1, message() {}, error() {} },
        close: (_, { error }) => void ended.push(error),
      }),
    );
    const { clock } = network;
    const begun = clock.now();
    heartbeat({
      ...{ connection: client, clock, interval: 1000, timeout: 300 },
      send: () => void client.send("ping"),
    });
    await network.run(1100);
    // The server says nothing.
    expect(beats).toBe(1);
    await network.settle(client.closed);
    expect(clock.now() - begun).toBe(1300);
    expect(ended).toMatchObject([{ code: "timeout" }]);
  });

  it("live through a partition that is shorter than their patience", async () => {
    for (const [ms, survives] of [
      [900, true],
      [5000, false],
    ] as const) {
      const network = new Network({ latency: [5, 5] });
      upper(network, { firstMessageTimeout: 0 });
      const client = await network.settle(
        connect(text, { network, port: 1, error() {}, message() {} }),
      );
      const { clock } = network;
      watchSilence({ connection: client, clock, timeout: 2000 });
      heartbeat({
        ...{ connection: client, clock, interval: 500, timeout: 2000 },
        send: () => void client.send("ping"),
      });
      await network.run(2000);
      network.partition("client", "server");
      await network.run(ms);
      network.heal("client", "server");
      await network.run(3000);
      expect(client.state === "open").toBe(survives);
    }
  });

  interface Call {
    readonly id: number;
    readonly ask?: number;
    readonly answer?: number;
  }
  const calls = lines().wrap(json<Call>());

  it("answer each request once, or reject it, whatever the network does", async () => {
    await fc.assert(
      fc.asyncProperty(networkScripts(), async (script) => {
        const network = new Network({ script, resets: 0.05, stalls: { chance: 0.1, most: 3000 } });
        listen(calls, {
          network,
          port: 1,
          message: (connection, { id, ask = 0 }) => connection.send({ id, answer: 2 * ask }),
        });
        const requests = new Requests<number>({
          ids: "count",
          timeout: 2000,
          clock: network.clock,
        });
        const client = await network.settle(
          connect(calls, {
            network,
            port: 1,
            message: (_, { id, answer = 0 }) => void requests.answer(id, answer),
            close: () => requests.end(),
          }),
        );
        const outcomes = await network.settle(
          Promise.allSettled(
            Array.from({ length: 10 }, (_, ask) =>
              requests.ask((id) => client.send({ id: id as number, ask })),
            ),
          ),
        );
        for (const [ask, outcome] of outcomes.entries()) {
          if (outcome.status === "fulfilled") expect(outcome.value).toBe(2 * ask);
          else expect(outcome.reason).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 60, seed: 4 },
    );
  });

  it("reach a server that was away, with a client that connects again", async () => {
    const network = new Network({ seed: 9 });
    const lost: string[] = [];
    const came: string[] = [];
    const { server } = upper(network);
    const client = reconnecting(
      (attempt) =>
        connect(text, {
          network,
          port: 1,
          signal: attempt.signal,
          message: (_, line) => void came.push(line),
          close: (_, { by }) => void lost.push(by),
        }),
      { clock: network.clock },
    );
    const first = await network.settle(client.ready());
    first.send("one");
    await network.run(200);
    network.crash("server");
    await network.run(5000);
    expect(server.connections.size).toBe(0);
    upper(network);
    const second = await network.settle(client.ready());
    second.send("two");
    await network.run(200);
    expect(came).toEqual(["ONE", "TWO"]);
    expect(lost).toEqual(["error"]);
    client.close();
    await network.run(1000);
  });
});
