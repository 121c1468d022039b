import { Duplex, PassThrough } from "node:stream";
import { MockBinding, type MockPortBinding } from "@serialport/binding-mock";
import { SerialPortStream } from "@serialport/stream";
import { afterEach, describe, expect, it } from "vitest";
import { skip } from "../../src/framing/index.ts";
import { type CloseInfo, lengthPrefixed, perMessage, raw } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { attach, type SocketOptions } from "../../src/transports/node/index.ts";

// The streams of the package serialport, on its own pretended port: what is real about it is the stream.

const path = "/dev/pretended";
const protocol = lengthPrefixed({ width: 1 }).wrap(raw());

afterEach(() => MockBinding.reset());

/** A port that is about to be open, and what becomes of a connection over it. */
function plugIn(
  options: SocketOptions<Uint8Array> = {},
  port: { echo?: boolean; record?: boolean } | undefined = { echo: true, record: true },
) {
  if (port) MockBinding.createPort(path, port);
  const stream = new SerialPortStream({ binding: MockBinding, path, baudRate: 115_200 });
  const received: number[][] = [];
  const errors: unknown[] = [];
  let tell: (info: CloseInfo) => void = () => {};
  const closed = new Promise<CloseInfo>((resolve) => {
    tell = resolve;
  });
  const connection = attach(stream, protocol, {
    message: (_, value) => received.push([...value]),
    error: (_, error) => errors.push(error),
    close: (_, info) => tell(info),
    closeTimeout: 0,
    ...options,
  });
  return { stream, connection, received, errors, closed };
}

/** The device at the other end. */
const device = (stream: SerialPortStream): MockPortBinding =>
  stream.port as unknown as MockPortBinding;

describe("a serial port", () => {
  it("may be attached before it is open, and carries frames in pieces", async () => {
    const { stream, connection, received, errors, closed } = plugIn();
    expect(connection.state).toBe("opening");
    connection.send(Uint8Array.of(1, 2, 3));
    await expect.poll(() => received).toEqual([[1, 2, 3]]);
    expect(connection.state).toBe("open");
    for (const byte of [2, 8, 9, 1]) device(stream).emitData(Buffer.of(byte));
    device(stream).emitData(Buffer.of(7));
    await expect.poll(() => received).toEqual([[1, 2, 3], [8, 9], [7]]);
    connection.close();
    expect(await closed).toEqual({ by: "local" });
    expect(errors).toEqual([]);
  });

  it("may be attached after it is open", async () => {
    MockBinding.createPort(path, { echo: true });
    const stream = new SerialPortStream({ binding: MockBinding, path, baudRate: 115_200 });
    await new Promise<void>((resolve) => stream.once("open", () => resolve()));
    const connection = attach(stream, protocol);
    expect(connection.state).toBe("open");
    connection.send(Uint8Array.of(5));
    for await (const value of connection) {
      expect([...value]).toEqual([5]);
      break;
    }
    connection.abort();
    await expect.poll(() => stream.isOpen).toBe(false);
  });

  it("is closed after everything was sent, and can then be opened by other code", async () => {
    const { stream, connection, closed } = plugIn({}, { record: true });
    await expect.poll(() => connection.state).toBe("open");
    const port = device(stream);
    for (let n = 0; n < 100; n++) connection.send(new Uint8Array(100).fill(n));
    connection.close();
    expect(await closed).toEqual({ by: "local" });
    expect([stream.isOpen, port.recording.length]).toEqual([false, 100 * 101]);
    const next = new SerialPortStream({ binding: MockBinding, path, baudRate: 115_200 });
    await new Promise<void>((resolve) => next.once("open", () => resolve()));
    next.close();
  });

  it("is released by abort(), open or opening", async () => {
    const open = plugIn();
    await expect.poll(() => open.connection.state).toBe("open");
    open.connection.abort();
    expect(await open.closed).toEqual({ by: "local" });
    await expect.poll(() => open.stream.isOpen).toBe(false);

    const early = plugIn({}, undefined);
    early.connection.abort();
    expect(await early.closed).toEqual({ by: "local" });
    await new Promise<void>((resolve) => early.stream.once("close", () => resolve()));
    expect(early.stream.isOpen).toBe(false);
  });

  it("that does not exist is an error", async () => {
    const stream = new SerialPortStream({
      binding: MockBinding,
      path: "/dev/none",
      baudRate: 9600,
    });
    const info = await new Promise<CloseInfo>((resolve) => {
      attach(stream, protocol, { message() {}, close: (_, closed) => resolve(closed) });
    });
    expect(info.by).toBe("error");
    expect(String(info.error)).toContain("Port does not exist");
  });

  it("that is unplugged is an error, after all complete messages", async () => {
    const { stream, received, errors, closed } = plugIn();
    await expect.poll(() => stream.isOpen).toBe(true);
    device(stream).emitData(Buffer.of(1, 4, 2, 5));
    await expect.poll(() => received).toEqual([[4]]);
    device(stream).read = () => Promise.reject(new Error("EIO"));
    device(stream).emitData(Buffer.of(5));
    const { by, error } = await closed;
    expect(by).toBe("error");
    expect(error).toMatchObject({ message: "EIO", disconnected: true });
    expect(errors).toEqual([error]);
  });

  it("is closed after bytes that violate the protocol, and after a final message", async () => {
    MockBinding.createPort(path, { record: true });
    const stream = new SerialPortStream({ binding: MockBinding, path, baudRate: 115_200 });
    const small = lengthPrefixed({ width: 1, maxFrame: 3 }).wrap(raw());
    let port: MockPortBinding | undefined;
    const info = await new Promise<CloseInfo>((resolve) => {
      attach(stream, small, {
        open() {
          port = device(stream);
          port.emitData(Buffer.of(3, 1, 1, 1));
        },
        message() {},
        error: (connection) => connection.send(Uint8Array.of(0xee)),
        close: (_, closed) => resolve(closed),
      });
    });
    expect(info).toMatchObject({ by: "error", error: { code: "too-long" } });
    expect([...port!.recording]).toEqual([1, 0xee]);
    expect(stream.isOpen).toBe(false);
  });
});

describe("a serial port with the option silence", () => {
  const message = perMessage({ maxFrame: 8 }).wrap(raw());

  async function plugSilent(options: Partial<SocketOptions<Uint8Array>> = {}) {
    MockBinding.createPort(path, { record: true });
    const stream = new SerialPortStream({ binding: MockBinding, path, baudRate: 9600 });
    const received: number[][] = [];
    const errors: unknown[] = [];
    const clock = new ManualClock();
    const connection = attach(stream, message, {
      message: (_, value) => received.push([...value]),
      error: (_, error) => errors.push(error),
      ...options,
      clock,
      silence: 20,
    });
    await expect.poll(() => connection.state).toBe("open");
    let given = 0;
    stream.on("data", (chunk: Buffer) => {
      given += chunk.length;
    });
    const emit = async (...bytes: number[]): Promise<void> => {
      const before = given;
      device(stream).emitData(Buffer.from(bytes));
      await expect.poll(() => given).toBe(before + bytes.length);
    };
    return { stream, connection, received, errors, clock, emit };
  }

  it("treats all bytes without a gap as one message", async () => {
    const { connection, received, clock, emit } = await plugSilent();
    await emit(1, 2);
    clock.advance(15);
    await emit(3);
    clock.advance(19);
    expect(received).toEqual([]);
    clock.advance(1);
    await expect.poll(() => received).toEqual([[1, 2, 3]]);
    await emit(4);
    clock.advance(20);
    await expect.poll(() => received).toEqual([[1, 2, 3], [4]]);
    connection.abort();
  });

  it("reads while it is paused, so that no gap is missed", async () => {
    const { connection, received, clock, emit } = await plugSilent();
    connection.pause();
    await emit(1);
    clock.advance(20);
    await emit(2);
    clock.advance(20);
    await new Promise((resolve) => setImmediate(resolve));
    expect(received).toEqual([]);
    connection.resume();
    expect(received).toEqual([[1], [2]]);
    connection.abort();
  });

  it("skips a message that is too long with a policy, and is closed by it without one", async () => {
    const skipped: number[] = [];
    const tolerant = await plugSilent({
      onInvalid: skip(),
      skipped: (_, { length }) => skipped.push(length),
    });
    await tolerant.emit(...new Array<number>(12).fill(9));
    tolerant.clock.advance(20);
    await tolerant.emit(7);
    tolerant.clock.advance(20);
    await expect.poll(() => tolerant.received).toEqual([[7]]);
    expect(skipped).toEqual([9]);
    tolerant.connection.abort();
    await expect.poll(() => tolerant.stream.isOpen).toBe(false);
    MockBinding.reset();

    const strict = await plugSilent();
    await strict.emit(...new Array<number>(9).fill(9));
    await expect.poll(() => strict.errors).toMatchObject([{ code: "too-long" }]);
  });

  it("separates sent messages by silence, and closes after the last one", async () => {
    const { stream, connection, clock } = await plugSilent({ closeTimeout: 0 });
    const port = device(stream);
    connection.send(Uint8Array.of(1));
    connection.send(Uint8Array.of(2));
    await expect.poll(() => [...port.recording]).toEqual([1]);
    connection.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([[...port.recording], stream.isOpen]).toEqual([[1], true]);
    clock.advance(20);
    await expect.poll(() => stream.isOpen).toBe(false);
    expect([...port.recording]).toEqual([1, 2]);
    expect(await connection.closed).toEqual({ by: "local" });
    expect(clock.waiting).toBe(0);
  });

  it("does not hand over a socket, and refuses an invalid time and a bare codec", async () => {
    const { connection } = await plugSilent();
    expect(() => connection.detach()).toThrow(TypeError);
    connection.abort();
    const stream = new PassThrough();
    for (const silence of [0, -1, Number.NaN, Infinity, "20"]) {
      expect(() => attach(stream, message, { silence: silence as number })).toThrow(RangeError);
    }
    expect(() => attach(stream, raw() as never, { silence: 20 })).toThrow("perMessage()");
    // @ts-expect-error without silence a stream needs a framing
    expect(() => attach(stream, message)).toThrow("framing");
  });

  it("works on any stream, and the end of the stream ends a message", async () => {
    const { port1, port2 } = pairOf();
    const received: number[][] = [];
    const connection = attach(port1, message, {
      silence: 60_000,
      message: (_, value) => received.push([...value]),
    });
    port2.end(Buffer.of(1, 2));
    expect((await connection.closed).by).toBe("peer");
    expect(received).toEqual([[1, 2]]);
  });
});

/** Two streams of which each reads what the other one writes. */
function pairOf(): { port1: Duplex; port2: Duplex } {
  const [up, down] = [new PassThrough(), new PassThrough()];
  return {
    port1: Duplex.from({ readable: up, writable: down }),
    port2: Duplex.from({ readable: down, writable: up }),
  };
}
