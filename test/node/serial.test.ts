import { MockBinding, type MockPortBinding } from "@serialport/binding-mock";
import { SerialPortStream } from "@serialport/stream";
import { afterEach, describe, expect, it } from "vitest";
import { type CloseInfo, lengthPrefixed, raw } from "../../src/index.ts";
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

  it("may be attached when it is open", async () => {
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

  it("is closed behind what was sent, and can be opened by somebody else then", async () => {
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

  it("is given back by abort(), open or about to be", async () => {
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

  it("that is not there is an error", async () => {
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

  it("that is pulled out is an error, behind what came whole", async () => {
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

  it("is closed after bytes that break the protocol, behind a last word", async () => {
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
