import type { Duplex } from "node:stream";
import type { Sink } from "../../core/index.ts";

/**
 * What there is to know of a port of the package `serialport`. It is a Duplex that neither `end` nor `destroy` closes: only
 * its own `close` gives the device back. That it could not be opened, it says by `error` alone.
 */
export interface SerialPort extends Duplex {
  readonly isOpen: boolean;
  readonly opening: boolean;
  close(done: (error: unknown) => void): void;
  drain(done: (error: unknown) => void): void;
}

/** Is it such a port? */
export function isSerialPort(stream: Duplex): stream is SerialPort {
  const { isOpen, close, drain } = stream as Partial<SerialPort>;
  return typeof isOpen === "boolean" && typeof close === "function" && typeof drain === "function";
}

/**
 * The way out to a port.
 *
 * @param port - the port
 * @param sink - what a Duplex does
 * @returns the same, but for the end: there is no half of a line, and no end of the peer's to wait for
 */
export function serialSink(port: SerialPort, sink: Sink): Sink {
  // What goes wrong here is that it is closed already: its `close` event tells.
  const done = (): void => {};
  const shut = (): void => {
    if (port.opening) port.once("open", () => port.close(done));
    else port.close(done);
  };
  const { end: _, ...whole } = sink;
  return {
    ...whole,
    // Out of the program, and then out of the system.
    close: () => void port.end(() => port.drain(shut)),
    abort: shut,
  };
}
