// Echo servers in Node: `node node.mjs NAME PORT`. Each package is used as its README shows it; `split2 corked` is what an
// experienced user would make of it.
import { createServer } from "node:net";
import frame from "frame-stream";
import { json, lengthPrefixed, lines, raw } from "framewright";
import { listen } from "framewright/node";
import * as lp from "it-length-prefixed";
import split2 from "split2";

const MAX_FRAME = 2 ** 20;
const host = "127.0.0.1";
const echo = (connection, value) => connection.send(value);

const length = {
  encode: Object.assign(
    (value) => {
      const bytes = Buffer.allocUnsafe(4);
      bytes.writeUInt32BE(value);
      return bytes;
    },
    { bytes: 4 },
  ),
  decode: Object.assign(
    (bytes) => {
      if (bytes.byteLength < 4) throw new RangeError("more bytes are needed");
      return bytes.getUint32(0);
    },
    { bytes: 4 },
  ),
};

/** A server by hand: `onChunk` writes its replies, and returns the bytes that are left over. */
const byHand = (onChunk) => (port) =>
  createServer({ noDelay: true }, (socket) => {
    let left;
    socket.on("data", (chunk) => {
      left = onChunk(socket, left === undefined ? chunk : Buffer.concat([left, chunk]));
    });
    socket.on("error", () => {});
  }).listen(port, host);

const onSocket = (serve) => (port) =>
  createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => {});
    serve(socket);
  }).listen(port, host);

const servers = {
  "framewright frames": (port) =>
    listen(lengthPrefixed({ width: 4 }).wrap(raw()), { port, host, message: echo }),
  "framewright lines": (port) => listen(lines().wrap(json()), { port, host, message: echo }),

  // No limits, no strict UTF-8, no backpressure, no errors.
  "by hand frames": byHand((socket, bytes) => {
    const out = Buffer.allocUnsafe(bytes.length);
    let at = 0;
    while (bytes.length - at >= 4) {
      const end = at + 4 + bytes.readUInt32BE(at);
      if (end > bytes.length) break;
      const message = bytes.subarray(at + 4, end);
      out.writeUInt32BE(message.length, at);
      out.set(message, at + 4);
      at = end;
    }
    if (at > 0) socket.write(out.subarray(0, at));
    return at === bytes.length ? undefined : bytes.subarray(at);
  }),
  "by hand lines": byHand((socket, bytes) => {
    let start = 0;
    let out = "";
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      out += `${JSON.stringify(JSON.parse(bytes.toString("utf8", start, end)))}\n`;
      start = end + 1;
    }
    if (out !== "") socket.write(out);
    return start === bytes.length ? undefined : bytes.subarray(start);
  }),

  // What Node's sockets alone cost: chunks are sent back as they come.
  "no framing": onSocket((socket) => {
    socket.on("data", (chunk) => socket.write(chunk));
  }),

  "frame-stream": onSocket((socket) => {
    socket
      .pipe(frame.decode({ maxSize: MAX_FRAME }))
      .pipe(frame.encode())
      .pipe(socket);
  }),
  "it-length-prefixed": onSocket(async (socket) => {
    try {
      const options = { lengthDecoder: length.decode, maxDataLength: MAX_FRAME };
      for await (const message of lp.decode(socket, options)) {
        socket.write(lp.encode.single(message, { lengthEncoder: length.encode }).subarray());
      }
    } catch {}
    socket.destroy();
  }),
  split2: onSocket((socket) => {
    socket.pipe(split2(JSON.parse, { maxLength: MAX_FRAME })).on("data", (value) => {
      socket.write(`${JSON.stringify(value)}\n`);
    });
  }),
  "split2 corked": onSocket((socket) => {
    let isCorked = false;
    const uncork = () => {
      isCorked = false;
      socket.uncork();
    };
    socket.pipe(split2(JSON.parse, { maxLength: MAX_FRAME })).on("data", (value) => {
      if (!isCorked) {
        isCorked = true;
        socket.cork();
        process.nextTick(uncork);
      }
      socket.write(`${JSON.stringify(value)}\n`);
    });
  }),
};

const [name, port] = process.argv.slice(2);
servers[name](Number(port));
