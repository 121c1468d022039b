import type { Duplex } from "node:stream";
import type { Sink } from "../../core/index.ts";

/**
 * The members of a port of the package `serialport` that are used. It is a Duplex, but `end` and `destroy`
 * do not close it: only its own `close` releases the device. If it could not be opened, it only emits
 * `error`.
 */
export interface SerialPort extends Duplex {
  readonly isOpen: boolean;
  readonly opening: boolean;
  close(done: (error: unknown) => void): void;
  drain(done: (error: unknown) => void): void;
}

/** True if the stream is a port of the package `serialport`. */
export function isSerialPort(stream: Duplex): stream is SerialPort {
  const { isOpen, close, drain } = stream as Partial<SerialPort>;
  return typeof isOpen === "boolean" && typeof close === "function" && typeof drain === "function";
}

/**
 * Makes the sink of a serial port.
 *
 * @param port - the port
 * @param sink - the sink of a Duplex
 * @returns the sink of the port, with another end: a line has no half-close, and no end of the peer to wait for
 */
export function serialSink(port: SerialPort, sink: Sink): Sink {
  // The only error here is that the port is already closed: its `close` event reports that.
  const done = (): void => {};
  const shut = (): void => {
    if (port.opening) port.once("open", () => port.close(done));
    else port.close(done);
  };
  return {
    boundary: "stream",
    get peer() {
      return sink.peer;
    },
    buffered: () => sink.buffered?.() ?? 0,
    write: (bytes, text) => sink.write(bytes, text),
    pause: () => sink.pause(),
    resume: () => sink.resume(),
    cork: () => sink.cork?.(),
    uncork: () => sink.uncork?.(),
    // First out of the program, then out of the system.
    close: () => void port.end(() => port.drain(shut)),
    abort: shut,
  };
}
