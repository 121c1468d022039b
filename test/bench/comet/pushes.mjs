// The pushes that both comets send, and their bytes on the wire.

export const OPERATION = 1000;
export const ROOM = "live://1";
export const HEADER = 16;

/** The body of push `n`: its number, then bytes that depend on it. */
export function bodyOf(n, size) {
  const body = new Uint8Array(size);
  for (let i = 4; i < size; i++) body[i] = n + i * 7;
  body[0] = n >> 24;
  body[1] = n >> 16;
  body[2] = n >> 8;
  body[3] = n;
  return body;
}

/** A packet of goim v2. */
export function packet(op, body, ver = 1, seq = 0) {
  const bytes = Buffer.alloc(HEADER + body.length);
  bytes.writeInt32BE(bytes.length);
  bytes.writeInt16BE(HEADER, 4);
  bytes.writeInt16BE(ver, 6);
  bytes.writeInt32BE(op, 8);
  bytes.writeInt32BE(seq, 12);
  bytes.set(body, HEADER);
  return bytes;
}

/** Push `n` as clients receive it: alone over TCP, inside operation 9 over a WebSocket. */
export function wireOf(n, size, isWebSocket) {
  const inner = packet(OPERATION, bodyOf(n, size));
  return isWebSocket ? packet(9, inner) : inner;
}
