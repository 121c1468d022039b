// A thermometer on a serial line that is opened in the middle of a frame, and loses and corrupts bytes. A
// protocol with a mark and a checksum, and the policy `resync`, find the next complete frame. The device is
// simulated; for a real one use `new SerialPort({ path, baudRate })` of the package serialport.
import { MockBinding } from "@serialport/binding-mock";
import { SerialPortStream } from "@serialport/stream";
import { encodeFrame } from "framewright";
import { i16be, struct, u8 } from "framewright/fields";
import { framing, resync, sum8, withChecksum } from "framewright/framing";
import { attach } from "framewright/node";

// 7e | sensor: u8 | hundredths of a degree: i16 | sum of the four bytes before
const MARK = 0x7e;
const LENGTH = 5;

const marked = framing({
  name: "thermometer",
  maxFrame: LENGTH,
  measure(bytes, start) {
    if (bytes[start] === MARK) return LENGTH;
    throw new RangeError(`byte ${bytes[start]} is not the mark`);
  },
  payloadStart: (_, start) => start + 1,
  open: (out) => void out.u8(MARK),
});
const thermometer = withChecksum(marked, { sum: sum8, width: 1, from: 0 }).wrap(
  struct({ sensor: u8, hundredths: i16be }),
);

MockBinding.createPort("/dev/ttyUSB0");
const port = new SerialPortStream({ binding: MockBinding, path: "/dev/ttyUSB0", baudRate: 9600 });

const connection = attach(port, thermometer, {
  onInvalid: resync(),
  frameTimeout: 1000, // wait no longer for a frame after a mark in the noise
  idleTimeout: 60_000, // a serial line has no end: only silence shows that the device was switched off
  open() {
    const good = encodeFrame(thermometer, { sensor: 1, hundredths: 2150 });
    const garbled = encodeFrame(thermometer, { sensor: 1, hundredths: 2175 }).slice();
    garbled[3] = 0;
    const cut = encodeFrame(thermometer, { sensor: 2, hundredths: 400 }).subarray(0, 3);
    const last = encodeFrame(thermometer, { sensor: 2, hundredths: -325 });
    for (const bytes of [[0, 0xff, MARK], good, garbled, cut, last]) {
      port.port?.emitData(Buffer.from(bytes));
    }
  },
  message(opened, { sensor, hundredths }) {
    console.log(`sensor ${sensor}: ${(hundredths / 100).toFixed(2)} degrees`);
    if (sensor === 2) opened.close();
  },
  skipped: (_, { length }) => console.log(`${length} bytes of noise`),
  error: (_, error) => console.error(error),
  close: (_, { by }) =>
    console.log(`closed by ${by}; the port is ${port.isOpen ? "open" : "free"}`),
});
console.log(`the port is ${connection.state}`);
//=> the port is opening
//=> 3 bytes of noise
//=> sensor 1: 21.50 degrees
//=> 8 bytes of noise
//=> sensor 2: -3.25 degrees
//=> closed by local; the port is free
