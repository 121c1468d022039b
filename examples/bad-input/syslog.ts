// A syslog server over TCP (RFC 6587). Senders write the length before each message, or LF after it; the
// first byte shows which. A message that is too long is skipped without being stored, and the next one is
// read.
import { connect as dial } from "node:net";
import { defineProtocol, lines, type Protocol, utf8 } from "framewright";
import { decimalPrefixed, skip } from "framewright/framing";
import { listen } from "framewright/node";

const LONGEST = 8192;
const counted = decimalPrefixed({ delimiter: " ", maxFrame: LONGEST }).wrap(utf8());
const trailed = lines({ maxFrame: LONGEST, last: "accept", skipEmpty: true }).wrap(utf8());
const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
const way = (byte: number): Protocol<string> => (isDigit(byte) ? counted : trailed);

const syslog = defineProtocol<string>({
  name: "syslog",
  maxFrame: LONGEST,
  measure: (bytes, start, end, scan) => way(bytes[start]!).measure(bytes, start, end, scan),
  // After a message that is too long and has no length, the next one begins after the next LF.
  recover: trailed.recover!,
  decode: (bytes, start, end) => way(bytes[start]!).decode(bytes, start, end),
  encode: counted.encode,
});

const server = await listen(syslog, {
  port: 0,
  onInvalid: skip(),
  message: (_, text) => console.log(text),
  skipped: (_, { error, length }) => console.log(`discarded ${length} bytes: ${error.message}`),
  close: () => void server.close(),
});

const long = `<165>1 - - ${"x".repeat(20_000)}`;
const sender = dial(server.port!, "127.0.0.1");
sender.write("19 <34>1 - - by length<165>1 - - by line\n");
sender.write(`${long.length} ${long}18 <34>1 - - still on`);
sender.end(`${long}\n<34>1 - - the last one`);
//=> <34>1 - - by length
//=> <165>1 - - by line
//=> discarded 20017 bytes: frame of 20017 bytes exceeds maxFrame 8192
//=> <34>1 - - still on
//=> discarded 20012 bytes: frame does not end within the 8192 bytes of maxFrame
//=> <34>1 - - the last one
