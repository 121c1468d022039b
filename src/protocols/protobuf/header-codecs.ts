import {
  asProtocolError,
  type Codec,
  checkOptions,
  type MessageProtocol,
  type Output,
  ProtocolError,
} from "../../core/index.ts";
import { lengthPrefixed, onePerMessage } from "../../framing/index.ts";
import { readError, writeError } from "./error-form.ts";
import { NoHeader, readHeader, writeHeader } from "./header.ts";
import type {
  ClientReceived,
  ClientSent,
  HeaderDefinition,
  HeaderError,
  HeaderRefusal,
  HeaderRequest,
  Pushes,
  Requests,
  ServerReceived,
  ServerSent,
} from "./header-types.ts";
import { NameTable } from "./name-table.ts";
import { WireReader } from "./wire.ts";

/** Names come from the peer: a map does not find `constructor`. */
type CodecMap = ReadonlyMap<string, Codec<never, unknown>>;

const mapOf = (codecs: Readonly<Record<string, Codec<never, unknown> | undefined>>): CodecMap =>
  new Map(
    Object.entries(codecs).filter(
      (entry): entry is [string, Codec<never, unknown>] => entry[1] !== undefined,
    ),
  );

/**
 * Protocols and codecs of both sides: with the length in front, as the reference sends WebSocket
 * messages, and without it, for your own framing.
 */
export interface HeaderProtocols<R extends Requests, P extends Pushes> {
  /**
   * The server's side: one message after a little-endian u32 length, in each WebSocket message. A
   * message that cannot be handled is not an error here, but a `refusal`: the client receives an
   * error, and the connection stays open.
   */
  readonly serverProtocol: MessageProtocol<ServerSent<R, P>, ServerReceived<R>>;
  /** The client's side of `serverProtocol`. */
  readonly clientProtocol: MessageProtocol<ClientSent<R>, ClientReceived<P>>;
  /** The server's messages without length: `lengthPrefixed({ width: 4, endian: "le" }).wrap(serverCodec)` for TCP. */
  readonly serverCodec: Codec<ServerSent<R, P>, ServerReceived<R>>;
  /** The client's messages without length. */
  readonly clientCodec: Codec<ClientSent<R>, ClientReceived<P>>;
}

/** @internal */
export function headerProtocols<R extends Requests, P extends Pushes>(
  definition: HeaderDefinition<R, P>,
): HeaderProtocols<R, P> {
  checkOptions("headerService", definition, ["requests", "pushes", "maxFrame"]);
  const requests: Record<string, Codec<never, unknown>> = {};
  const responses: Record<string, Codec<never, unknown> | undefined> = {};
  for (const [type, codecs] of Object.entries(definition.requests)) {
    requests[type] = codecs.request;
    responses[type] = codecs.response;
  }
  const asked = mapOf(requests);
  const answered = mapOf(responses);
  const pushed = mapOf(definition.pushes ?? {});
  const serverCodec = makeServerCodec(asked, answered, pushed);
  const clientCodec = makeClientCodec(asked, pushed);
  const framing = lengthPrefixed({ width: 4, endian: "le", maxFrame: definition.maxFrame });
  const strict = onePerMessage(framing.wrap(serverCodec, { name: "protobuf with header" }));
  const serverProtocol = Object.freeze<MessageProtocol<AnySent, ServerReceived<Requests>>>({
    ...strict,
    decode(bytes, start, end) {
      try {
        return strict.decode(bytes, start, end);
      } catch (error) {
        return refusal("INVALID_MESSAGE", "Message length mismatch", 0, error);
      }
    },
  });
  const clientProtocol = onePerMessage(framing.wrap(clientCodec, { name: "protobuf with header" }));
  const all = { serverProtocol, clientProtocol, serverCodec, clientCodec };
  return all as unknown as HeaderProtocols<R, P>;
}

/** `ServerSent` of any definition. */
type AnySent =
  | { readonly kind: "response"; readonly to: string; readonly message: unknown }
  | { readonly kind: "push"; readonly type: string; readonly message: unknown }
  | HeaderError;

function refusal(
  code: HeaderRefusal["code"],
  text: string,
  seq: number,
  cause?: unknown,
): HeaderRefusal {
  return { kind: "refusal", code, text, seq, cause };
}

function makeServerCodec(
  asked: CodecMap,
  answered: CodecMap,
  pushed: CodecMap,
): Codec<AnySent, HeaderRequest | HeaderRefusal> {
  const names = new NameTable(asked.keys());
  return Object.freeze<Codec<AnySent, HeaderRequest | HeaderRefusal>>({
    format: { name: "protobuf with header", types: asked },
    decode(bytes, start, end) {
      const header = readHeader(bytes, start, end, names);
      if (header instanceof NoHeader) {
        return header.isBroken
          ? refusal("INVALID_HEADER", "Failed to decode header", 0, header.cause)
          : refusal("INVALID_MESSAGE", "Invalid message format", 0, header.cause);
      }
      const { type, seq } = header;
      const codec = asked.get(type);
      const text = "Failed to decode request";
      if (codec === undefined) return refusal("INVALID_REQUEST", text, seq);
      try {
        return { kind: "request", type, seq, message: codec.decode(bytes, start, end) };
      } catch (error) {
        return refusal("INVALID_REQUEST", text, seq, error);
      }
    },
    encode(sent, out) {
      if (sent.kind === "error") {
        writeError(out, sent);
      } else if (sent.kind === "response") {
        known(answered, sent.to, "response to").encode(sent.message as never, out);
      } else {
        writeHeader(out, sent.type, 0, undefined);
        writeBody(known(pushed, sent.type, "push"), sent.type, sent.message, out);
      }
    },
  });
}

function makeClientCodec(
  asked: CodecMap,
  pushed: CodecMap,
): Codec<ClientSent<Requests>, ClientReceived<Pushes>> {
  const names = new NameTable(pushed.keys());
  return Object.freeze<Codec<ClientSent<Requests>, ClientReceived<Pushes>>>({
    format: { name: "protobuf with header", types: pushed },
    decode(bytes, start, end) {
      const error = readError(bytes, start, end);
      if (error !== undefined) return error;
      const header = pushed.size > 0 ? readHeader(bytes, start, end, names) : undefined;
      const type = header === undefined || header instanceof NoHeader ? "" : header.type;
      const push = pushed.get(type);
      if (push === undefined) return { kind: "response", bytes: bytes.subarray(start, end) };
      return { kind: "push", type, message: push.decode(bytes, start, end) };
    },
    encode({ type, seq, message, extras }, out) {
      writeHeader(out, type, seq, extras);
      writeBody(known(asked, type, "request"), type, message, out);
    },
  });
}

function known(codecs: CodecMap, type: string, what: string): Codec<never, unknown> {
  const codec = codecs.get(type);
  if (codec !== undefined) return codec;
  throw new ProtocolError("unencodable", `${what} ${type} is not defined`);
}

/**
 * Writes the fields after the header. A header among them would be merged into the one already
 * written.
 */
function writeBody(
  codec: Codec<never, unknown>,
  type: string,
  message: unknown,
  out: Output,
): void {
  const start = out.length;
  codec.encode(message as never, out);
  const body = new WireReader(out.view(start));
  while (body.next()) {
    if (body.field === 1) {
      throw new ProtocolError("unencodable", `${type} has a header (field 1) of its own`);
    }
  }
}

/** @internal */
export function decodeWhole<Out>(codec: Codec<never, Out>, bytes: Uint8Array): Out {
  try {
    return codec.decode(bytes, 0, bytes.length);
  } catch (error) {
    throw asProtocolError(error, "malformed", "decode failed", 0);
  }
}
