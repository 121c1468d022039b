// Packets of an instrument on a noisy line: a mark, a length, a payload, a checksum. Everything that is not
// a complete packet with a valid checksum is noise. Noise may contain the mark and a length: then the bytes
// after it are searched again.
import { encodeFrame, lengthPrefixed, raw, Splitter } from "framewright";
import { crc16, resync, withChecksum } from "framewright/framing";

//   aa 55 | length of payload and checksum: u8 | payload | CRC-16 of length and payload, low byte first
const packets = withChecksum(
  lengthPrefixed({ width: 1, header: Uint8Array.of(0xaa, 0x55), maxFrame: 128 }),
  { sum: crc16("modbus"), width: 2, endian: "le", from: 2 },
).wrap(raw());

const good = (...payload: number[]): Uint8Array => encodeFrame(packets, Uint8Array.from(payload));
const damaged = good(9, 9, 9).map((byte, i) => (i === 4 ? byte ^ 0x10 : byte));
const chunks = [
  Uint8Array.of(0x00, 0xff, 0xaa), // the end of a packet, and half a mark
  good(1, 2, 3),
  damaged,
  Uint8Array.of(0xaa, 0x55, 0x20), // a mark in the noise, with a length that includes the next packets
  good(4),
  good(5, 0xaa, 0x55, 6), // a mark inside a payload is data
  new Uint8Array(40), // zeros, until the packet in the noise is complete and its checksum is wrong
  good(7),
];

const splitter = new Splitter(packets, {
  onInvalid: resync(),
  skipped: ({ error, length, offset }) =>
    console.log(`${length} bytes of noise at ${offset}: ${error.message.split(" ")[0]}`),
});

function read(): void {
  while (splitter.next()) {
    try {
      const payload = packets.decode(splitter.bytes, splitter.start, splitter.end);
      splitter.accept();
      console.log(payload.join(" "));
    } catch (error) {
      // The policy continues after the mark.
      splitter.reject(error);
    }
  }
}

for (const chunk of chunks) {
  splitter.push(chunk);
  read();
}
splitter.finish();
read();
//=> 3 bytes of noise at 0: header
//=> 1 2 3
//=> 11 bytes of noise at 11: checksum
//=> 4
//=> 5 170 85 6
//=> 40 bytes of noise at 37: header
//=> 7
