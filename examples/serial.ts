// A thermometer on a serial line that loses and garbles bytes: a protocol with a mark and a checksum finds its frames
// again. The device is a pretended one; with a real one it is `new SerialPort({ path, baudRate })` of the package serialport.
import { MockBinding } from "@serialport/binding-mock";
import { SerialPortStream } from "@serialport/stream";
import { defineProtocol, encodeFrame, ProtocolError } from "framewright";
import { attach } from "framewright/node";

interface Reading {
  readonly sensor: number;
  readonly celsius: number;
}

// 7e | sensor | hundredths of a degree, 16 bits, big endian | sum of the four bytes before
const MARK = 0x7e;
const LENGTH = 5;

const isFrame = (bytes: Uint8Array, at: number): boolean =>
  bytes[at] === MARK && bytes[at + 4] === checksum(bytes, at);

function checksum(bytes: Uint8Array, at: number): number {
  let sum = 0;
  for (let i = at; i < at + 4; i++) sum += bytes[i]!;
  return sum & 0xff;
}

function reading(bytes: Uint8Array, at: number): Reading {
  const hundredths = ((bytes[at + 2]! << 24) >> 16) | bytes[at + 3]!;
  return { sensor: bytes[at + 1]!, celsius: hundredths / 100 };
}

const thermometer = defineProtocol<Reading>({
  name: "thermometer",
  maxFrame: LENGTH,
  // What is no frame is noise: one byte of it is passed over, and the next one may be the mark.
  measure(bytes, start, end) {
    if (start === end) return 0;
    if (bytes[start] !== MARK) return 1;
    if (end - start < LENGTH) return 0;
    return isFrame(bytes, start) ? LENGTH : 1;
  },
  // Noise is no reading, and no error either.
  decodeMany: (bytes, start, end) => (end - start === LENGTH ? [reading(bytes, start)] : []),
  decode(bytes, start, end) {
    if (end - start !== LENGTH) throw new ProtocolError("malformed", "noise", start);
    return reading(bytes, start);
  },
  encode({ sensor, celsius }, out) {
    const start = out.length;
    out
      .u8(MARK)
      .u8(sensor)
      .i16be(Math.round(celsius * 100));
    out.u8(checksum(out.view(), start));
  },
});

MockBinding.createPort("/dev/ttyUSB0");
const port = new SerialPortStream({ binding: MockBinding, path: "/dev/ttyUSB0", baudRate: 9600 });

const connection = attach(port, thermometer, {
  idleTimeout: 60_000, // a serial line has no end: silence is all that tells of a device that was switched off
  open() {
    const good = encodeFrame(thermometer, { sensor: 1, celsius: 21.5 });
    const garbled = encodeFrame(thermometer, { sensor: 1, celsius: 21.75 });
    garbled[3] = 0;
    const cut = encodeFrame(thermometer, { sensor: 2, celsius: 4 }).subarray(0, 3);
    const last = encodeFrame(thermometer, { sensor: 2, celsius: -3.25 });
    for (const bytes of [[0, 0xff], good, garbled, cut, last]) {
      port.port?.emitData(Buffer.from(bytes));
    }
  },
  message(opened, { sensor, celsius }) {
    console.log(`sensor ${sensor}: ${celsius.toFixed(2)} degrees`);
    if (sensor === 2) opened.close();
  },
  error: (_, error) => console.error(error),
  close: (_, { by }) =>
    console.log(`closed by ${by}; the port is ${port.isOpen ? "open" : "free"}`),
});
console.log(`the port is ${connection.state}`);
//=> the port is opening
//=> sensor 1: 21.50 degrees
//=> sensor 2: -3.25 degrees
//=> closed by local; the port is free
