import { encodeFrame, lengthPrefixed, type Protocol, perMessage, raw } from "../../src/index.ts";
import type {
  connectDatagram,
  DatagramEndpoint,
  DatagramHandlers,
  listenDatagram,
} from "../../src/transports/node/index.ts";
import { check, codeOf, equal, type TransportTest, until } from "./suite-checks.ts";
import { numbered, numberOf, wire } from "./transport-server.ts";

// What UDP is put to, wherever it runs: the second part of the transport tests. An endpoint is no connection: a datagram
// may be lost, so what did not come is counted, or sent again. No test runner here either, and nothing is gated on a time.

/** A way to open endpoints. */
export interface Datagrams {
  readonly name: string;
  /** An address of this machine. */
  readonly host: string;
  readonly listenDatagram: typeof listenDatagram;
  readonly connectDatagram: typeof connectDatagram;
  /** A connected socket hears that nobody is there. */
  readonly refusals: boolean;
}

type Endpoint = DatagramEndpoint<Uint8Array>;

interface Party {
  readonly endpoint: Endpoint;
  readonly received: Uint8Array[];
  readonly errors: unknown[];
  readonly failures: Error[];
  closes: number;
}

const LARGEST = 65_507;
/** Frames that random bytes often are. */
const short: Protocol<Uint8Array> = lengthPrefixed({ width: 1, maxFrame: 100 }).wrap(raw());

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

/** The tests for endpoints on one kind of address. */
export function datagramTests(datagrams: Datagrams): TransportTest[] {
  const { host } = datagrams;
  const tests: TransportTest[] = [];

  /** A test, with a way to open endpoints that are closed behind it. */
  function test(
    name: string,
    run: (
      open: (
        handlers?: DatagramHandlers<Uint8Array>,
        options?: {
          protocol?: Protocol<Uint8Array>;
          to?: number;
          port?: number;
          signal?: AbortSignal;
        },
      ) => Promise<Party>,
    ) => Promise<void>,
  ): void {
    tests.push({
      name,
      async run() {
        const opened: Endpoint[] = [];
        try {
          await run(async (handlers = {}, { protocol = wire, to, port, signal } = {}) => {
            const party = { received: [], errors: [], failures: [], closes: 0 } as unknown as {
              -readonly [K in keyof Party]: Party[K];
            };
            const options = {
              host,
              signal,
              ...handlers,
              message(...[endpoint, value, peer]: Parameters<Handler>) {
                party.received.push(value);
                return handlers.message?.(endpoint, value, peer);
              },
              error: (_: Endpoint, error: unknown) => void party.errors.push(error),
              socketError: (_: Endpoint, error: Error) => void party.failures.push(error),
              close(endpoint: Endpoint) {
                party.closes++;
                return handlers.close?.(endpoint);
              },
            };
            party.endpoint =
              to === undefined
                ? await datagrams.listenDatagram(protocol, { ...options, port })
                : await datagrams.connectDatagram(protocol, { ...options, port: to });
            opened.push(party.endpoint);
            return party;
          });
        } finally {
          await Promise.all(opened.map((endpoint) => endpoint.close()));
        }
      },
    });
  }
  type Handler = NonNullable<DatagramHandlers<Uint8Array>["message"]>;

  /** Answers each datagram to whom it came from. */
  const echo: Handler = (endpoint, value, peer) => endpoint.send([value], peer);

  /** Sends again, now and then, until it is so: a datagram may be lost. */
  async function repeat(send: () => void, fact: () => boolean, what: string): Promise<void> {
    let rounds = 0;
    await until(() => {
      if (!fact() && rounds++ % 50 === 0) send();
      return fact();
    }, what);
  }

  test("echoes, one frame in a datagram or several", async (open) => {
    const server = await open({ message: echo });
    const client = await open({}, { to: server.endpoint.port });
    const bodies = [4, 5, 127, 128, 1000, 9000].map((size) => numbered(size, size));
    for (const [n, body] of bodies.entries()) {
      await repeat(
        () => client.endpoint.send([body]),
        () => client.received.length > n,
        `${body.length} bytes came back`,
      );
    }
    equal(
      client.received.map((bytes) => [numberOf(bytes), bytes.length]),
      bodies.map((bytes) => [bytes.length, bytes.length]),
      "one at a time",
    );
    client.received.length = 0;
    const few = bodies.slice(0, 3);
    await repeat(
      () => client.endpoint.send(few),
      () => client.received.length >= 3,
      "three came back",
    );
    equal(client.received.slice(0, 3).map(numberOf), few.map(numberOf), "three at once");
    equal([server.errors, client.errors, client.failures], [[], [], []], "errors");
  });

  test("keeps 10,000 small messages in order, and each whole, if it comes", async (open) => {
    const count = 10_000;
    const sizeOf = (n: number): number => 4 + (n % 50);
    const server = await open();
    const client = await open({}, { to: server.endpoint.port });
    let sent = 0;
    while (sent < count) {
      const before = server.received.length;
      const some = Math.min(100, count - sent);
      for (let i = 0; i < some; i++) {
        client.endpoint.send([numbered(sent, sizeOf(sent))]);
        sent++;
      }
      // Until these are there, or nothing has come for a while: what is lost is lost.
      for (let calm = 0, last = before; calm < 200; calm++) {
        if (server.received.length === before + some) break;
        if (server.received.length !== last) calm = 0;
        last = server.received.length;
        await pause();
      }
    }
    let next = 0;
    for (const bytes of server.received) {
      const n = numberOf(bytes);
      check(n >= next, `message ${n} came behind ${next - 1}`);
      check(bytes.length === sizeOf(n), `message ${n} has ${bytes.length} bytes`);
      next = n + 1;
    }
    const lost = count - server.received.length;
    check(lost < count / 2, `${lost} of ${count} messages were lost on the way to ourselves`);
    equal([server.errors, client.failures], [[], []], "errors");
  });

  test("answers everybody for himself", async (open) => {
    const server = await open({ message: echo });
    const clients = [];
    for (let n = 0; n < 5; n++) clients.push(await open({}, { to: server.endpoint.port }));
    for (let round = 0; round < 20; round++) {
      for (const [n, client] of clients.entries()) {
        const { length } = client.received;
        await repeat(
          () => client.endpoint.send([numbered(n * 1000 + round, 8)]),
          () => client.received.length > length,
          "an answer",
        );
      }
    }
    for (const [n, { received }] of clients.entries()) {
      check(
        received.every((bytes) => Math.floor(numberOf(bytes) / 1000) === n),
        `client ${n} got an answer for somebody else`,
      );
    }
  });

  test("carries the largest datagram, and refuses a larger one", async (open) => {
    const server = await open({ message: echo });
    const client = await open({}, { to: server.endpoint.port });
    const body = new Uint8Array(LARGEST - 4);
    for (let i = 0; i < body.length; i++) body[i] = i * 31 + (i >> 8);
    await repeat(
      () => client.endpoint.send([body]),
      () => client.received.length > 0,
      "it came back",
    );
    const back = client.received[0]!;
    check(back.length === body.length && back.every((b, i) => b === body[i]), "other bytes");
    let refused: unknown;
    try {
      client.endpoint.send([new Uint8Array(LARGEST - 3)]);
    } catch (error) {
      refused = codeOf(error);
    }
    equal([refused, client.failures], ["unencodable", []], "a larger one");
  });

  test("leaves an error with its datagram", async (open) => {
    const server = await open();
    const client = await open({}, { to: server.endpoint.port });
    const whole = encodeFrame(wire, numbered(5, 4));
    const bad: [string, number[], string][] = [
      ["cut inside the body", [...whole, 0, 0, 0, 9, 1], "truncated"],
      ["cut inside the length", [...whole, 0, 0], "truncated"],
      ["too long", [...whole, 0x7f, 0xff, 0xff, 0xff, 1], "too-long"],
    ];
    for (const [what, bytes, code] of bad) {
      server.received.length = 0;
      server.errors.length = 0;
      await repeat(
        () => client.endpoint.socket.send(Uint8Array.from(bytes)),
        () => server.errors.length > 0,
        `${what}: an error`,
      );
      equal(server.received.map(numberOf)[0], 5, `${what}: what came whole before it`);
      equal(codeOf(server.errors[0]), code, what);
      server.received.length = 0;
      await repeat(
        () => client.endpoint.send([numbered(6, 4)]),
        () => server.received.some((value) => numberOf(value) === 6),
        `${what}: the next one`,
      );
    }
  });

  test("makes progress whatever comes", async (open) => {
    const server = await open({}, { protocol: short });
    const client = await open({}, { to: server.endpoint.port, protocol: short });
    let seed = 1;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
      return (seed >> 8) % below;
    };
    for (let round = 0; round < 300; round++) {
      const bytes = Uint8Array.from({ length: random(64) }, () => random(round % 2 ? 256 : 4));
      client.endpoint.socket.send(bytes);
      if (round % 20 === 0) await pause();
    }
    const mark = numbered(0x7a7a_7a7a, 60);
    await repeat(
      () => client.endpoint.send([mark]),
      () => server.received.some((value) => value.length === 60),
      "a good one behind the bad ones",
    );
    check(server.errors.length > 0 && server.errors.length <= 300, "an error for a datagram");
    equal([...new Set(server.errors.map(codeOf))].sort(), ["too-long", "truncated"], "errors");
  });

  test("is one message each without a framing, an empty one too", async (open) => {
    const protocol = perMessage({ maxFrame: 10 }).wrap(raw());
    const server = await open({}, { protocol: protocol as Protocol<Uint8Array> });
    const client = await open(
      {},
      { to: server.endpoint.port, protocol: protocol as Protocol<Uint8Array> },
    );
    for (const size of [3, 0, 10]) {
      const { length } = server.received;
      await repeat(
        () => client.endpoint.send([new Uint8Array(size)]),
        () => server.received.length > length,
        `${size} bytes`,
      );
      equal(server.received[length]!.length, size, "its length");
    }
    let refused: unknown;
    try {
      client.endpoint.send([new Uint8Array(1), new Uint8Array(1)]);
    } catch (error) {
      refused = codeOf(error);
    }
    equal(refused, "unencodable", "two in one");
    await repeat(
      () => client.endpoint.socket.send(new Uint8Array(11)),
      () => server.errors.length > 0,
      "an error",
    );
    equal(codeOf(server.errors[0]), "too-long", "eleven bytes");
  });

  test("goes on behind a handler that throws", async (open) => {
    const failure = new Error("thrown by a handler");
    const server = await open({
      message(_, value) {
        if (numberOf(value) === 1) throw failure;
        return numberOf(value) === 2 ? Promise.reject(failure) : undefined;
      },
    });
    const client = await open({}, { to: server.endpoint.port });
    await repeat(
      () => client.endpoint.send([1, 2, 3].map((n) => numbered(n, 4))),
      () => server.errors.length > 1,
      "two errors",
    );
    check(
      server.errors.every((error) => error === failure),
      "the errors",
    );
    equal(server.received.slice(0, 3).map(numberOf), [1, 2, 3], "what came");
  });

  test("sends what was sent before it closes", async (open) => {
    const server = await open();
    for (const to of [server.endpoint.port, undefined]) {
      server.received.length = 0;
      const peer = { address: host, port: server.endpoint.port };
      await repeat(
        () => {
          void open({}, { ...(to && { to }) }).then(({ endpoint }) => {
            for (let n = 0; n < 20; n++) endpoint.send([numbered(n, 100)], to ? undefined : peer);
            void endpoint.close();
          });
        },
        () => server.received.length >= 20,
        "all that was sent",
      );
      equal(server.received.slice(0, 20).map(numberOf), [...Array(20).keys()], "in order");
    }
  });

  test("closes in every state", async (open) => {
    const late = await open();
    await Promise.all([late.endpoint.close(), late.endpoint.close()]);
    await late.endpoint.close();
    equal(late.closes, 1, "close handlers called");
    const peer = { address: host, port: 9 };
    equal(late.endpoint.send([numbered(1, 4)], peer), false, "send when closed");

    const server = await open({ message: (endpoint) => endpoint.close() });
    const client = await open({}, { to: server.endpoint.port });
    await repeat(
      () => client.endpoint.send([1, 2, 3].map((n) => numbered(n, 4))),
      () => server.closes > 0,
      "closed by its handler",
    );
    equal(server.received.map(numberOf), [1], "delivered before close()");

    let answer: boolean | undefined;
    const last = await open({
      close(endpoint) {
        answer = endpoint.send([numbered(1, 4)], peer);
      },
    });
    last.endpoint.socket.close();
    await until(() => last.closes > 0, "its socket is closed");
    equal(answer, false, "send in the close handler");
    await last.endpoint.close();
  });

  test("is aborted while it sends", async (open) => {
    const controller = new AbortController();
    const server = await open();
    const client = await open({}, { to: server.endpoint.port, signal: controller.signal });
    for (let n = 0; n < 10; n++) client.endpoint.send([numbered(n, 100)]);
    controller.abort();
    equal(client.endpoint.send([numbered(10, 4)]), false, "send when aborted");
    await until(() => client.closes > 0, "it is closed");
    await client.endpoint.close();
    equal([client.closes, client.failures], [1, []], "the end");
    let reason: unknown;
    await open({}, { signal: controller.signal }).catch((error: unknown) => {
      reason = error;
    });
    check(reason === controller.signal.reason, `opened with a signal that is aborted: ${reason}`);
  });

  test("hears nobody but the peer that it is connected to", async (open) => {
    const server = await open({ message: echo });
    const client = await open({}, { to: server.endpoint.port });
    const stranger = await open();
    const peer = { address: host, port: client.endpoint.port };
    for (let n = 0; n < 10; n++) stranger.endpoint.send([numbered(99, 4)], peer);
    await repeat(
      () => client.endpoint.send([numbered(1, 4)], { address: host, port: server.endpoint.port }),
      () => client.received.length > 0,
      "an answer",
    );
    equal(new Set(client.received.map(numberOf)).has(99), false, "heard a stranger");
  });

  if (datagrams.refusals) {
    test("hears that its peer is gone, and goes on when it is back", async (open) => {
      const server = await open({ message: echo });
      const { port } = server.endpoint;
      const client = await open({}, { to: port });
      await repeat(
        () => client.endpoint.send([numbered(1, 4)]),
        () => client.received.length > 0,
        "an answer",
      );
      await server.endpoint.close();
      await repeat(
        () => client.endpoint.send([numbered(2, 4)]),
        () => client.failures.length > 0,
        "a refusal",
      );
      equal((client.failures[0] as NodeJS.ErrnoException).code, "ECONNREFUSED", "its code");
      equal(client.closes, 0, "closed by that");
      const again = await open({ message: echo }, { port });
      await repeat(
        () => client.endpoint.send([numbered(3, 4)]),
        () => client.received.some((value) => numberOf(value) === 3),
        "an answer of the new one",
      );
      await again.endpoint.close();
    });
  }

  return tests;
}
