import {
  type Codec,
  json,
  latin1,
  type MessageProtocol,
  type Protocol,
  raw,
  utf8,
} from "../../core/index.ts";
import {
  cobs,
  concatenatedJson,
  contentLength,
  decimalPrefixed,
  delimited,
  fixed,
  hdlc,
  lines,
  netstring,
  perMessage,
  pieces,
  slip,
} from "../../framing/index.ts";
import { fastway } from "../../protocols/fastway/index.ts";
import { bilibili, goim, goimJson, type Inflate } from "../../protocols/goim/index.ts";
import {
  answerPackages,
  handshakePackages,
  loginLines,
  netpack,
  requestPackages,
  sprotoRpc,
} from "../../protocols/skynet/index.ts";
import { parse, type Sproto } from "../../protocols/sproto/index.ts";
import * as workerman from "../../protocols/workerman/index.ts";
import { lengthWords, varintWords } from "./with-header.ts";

/** A protocol of any kind. */
export type AnyProtocol = MessageProtocol<unknown, unknown> | Protocol<unknown, unknown>;

/** Functions that the program must supply. */
export interface NameHost {
  /** Decompresses messages of Bilibili. */
  readonly inflate: Inflate;
  /** Returns the text of a schema file. Throws if it does not exist. */
  schema(file: string): string;
}

type Options = NamePiece["options"];

// The functions check their own options: an unknown one is an error that lists the valid ones.
type Make = (options: never, host: NameHost) => unknown;

/** Ready protocols. */
const READY: Readonly<Record<string, Make>> = {
  goim,
  "goim-json": goimJson,
  bilibili: (options: object, { inflate }) => bilibili({ inflate, ...options }),
  fastway,
  "workerman-json": workerman.jsonNL,
  "workerman-text": workerman.text,
  "workerman-frame": workerman.frame,
  "workerman-json-int": workerman.jsonInt,
  "workerman-xml": workerman.xml10,
  "workerman-binary-transfer": workerman.binaryTransfer,
  "workerman-text-transfer": workerman.textTransfer,
  "workerman-gateway": gateway,
  "skynet-login": loginLines,
  "skynet-handshake": handshakePackages,
  "skynet-request": requestPackages,
  "skynet-answer": answerPackages,
  "sproto-rpc": rpc,
};

/** Framings; each must be followed by `+` and a codec. */
const FRAMINGS: Readonly<Record<string, Make>> = {
  length: lengthWords,
  varint: varintWords,
  lines,
  delimited: ({ delimiter = "\n", ...options }: { readonly delimiter?: string }) =>
    delimited(delimiter, options),
  fixed: ({ size }: { readonly size: number }) => fixed(size),
  netstring,
  netpack,
  message: perMessage,
  "content-length": contentLength,
  decimal: decimalPrefixed,
  "concatenated-json": concatenatedJson,
  pieces,
  slip,
  cobs,
  hdlc,
};

/** Codecs of payloads. */
const CODECS: Readonly<Record<string, Make>> = {
  raw,
  utf8,
  latin1,
  json,
  "php-json": workerman.phpJson,
  "php-serialize": workerman.phpSerialize,
  sproto,
  "sproto-packed": packedSproto,
};

/** The names that {@link namedProtocol} accepts. */
export const PROTOCOL_NAMES: {
  readonly ready: readonly string[];
  readonly framings: readonly string[];
  readonly codecs: readonly string[];
} = {
  ready: Object.keys(READY),
  framings: Object.keys(FRAMINGS),
  codecs: Object.keys(CODECS),
};

interface GatewayWords {
  readonly serialized?: string;
}

/** `workerman-gateway:serialized=php`: bodies that are not scalars are serialized PHP values. */
function gateway({ serialized, ...options }: GatewayWords): unknown {
  if (serialized === undefined) return workerman.gatewayProtocol(options);
  if (serialized !== "php") throw new RangeError(`serialized must be php, not ${serialized}`);
  return workerman.gatewayProtocol({ ...options, serialized: workerman.phpSerialize() });
}

interface SchemaWords {
  readonly ""?: string;
}

/** `sproto:schema.sproto#Type`: the first option is a schema and a type in it. */
function sproto(words: SchemaWords, host: NameHost): Codec<unknown> {
  const { schema, type } = typeOf("sproto", words, host);
  return schema.type(type) as Codec<unknown>;
}

/** `sproto-packed:schema.sproto#Type`: the same, packed. */
function packedSproto(words: SchemaWords, host: NameHost): Codec<unknown> {
  const { schema, type } = typeOf("sproto-packed", words, host);
  return schema.packed(type) as Codec<unknown>;
}

function typeOf(
  name: string,
  { "": path = "" }: SchemaWords,
  host: NameHost,
): { readonly schema: Sproto; readonly type: string } {
  const [file = "", type = ""] = path.split("#");
  if (file === "" || type === "")
    throw new RangeError(`${name} needs a schema and a type: ${name}:schema.sproto#Type`);
  return { schema: parse(host.schema(file)), type };
}

interface RpcWords {
  readonly local?: string;
  readonly remote?: string;
  readonly package?: string;
}

/**
 * `sproto-rpc:local=c2s.sproto,remote=s2c.sproto`: calls through skynet's gate, read as the side of
 * `local`.
 */
function rpc(
  { local, remote, package: packageName, ...others }: RpcWords,
  host: NameHost,
): unknown {
  if (local === undefined || remote === undefined || Object.keys(others).length > 0) {
    throw new RangeError(
      "sproto-rpc needs the schemas of both sides, and may have package: sproto-rpc:local=c2s.sproto,remote=s2c.sproto",
    );
  }
  const [own, theirs] = [local, remote].map((file) => parse(host.schema(file)));
  return sprotoRpc({ local: own!, remote: theirs!, packageName });
}

/**
 * Returns the protocol with this name: `goim`, `fastway:dialect=v2`, `lines+json`,
 * `length:width=2,endian=le+utf8`, `length:width=2+sproto:schema.sproto#Type`.
 *
 * @throws RangeError for an unknown name or invalid options
 */
export function namedProtocol(text: string, host: NameHost): AnyProtocol {
  const [first, second, ...more] = namePieces(text);
  if (first === undefined || more.length > 0) throw unknownName(text);
  const make = (maker: Make, options: Options): unknown =>
    made(text, () => maker(options as never, host));
  const ready = own(READY, first.name);
  if (ready !== undefined && second === undefined) return make(ready, first.options) as AnyProtocol;
  const framing = own(FRAMINGS, first.name);
  if (framing === undefined) {
    const codec = own(CODECS, first.name);
    if (codec === undefined || second !== undefined) throw unknownName(text);
    // A codec without a framing: one message.
    return perMessage().wrap(make(codec, first.options) as Codec<unknown>, { name: text });
  }
  const makeCodec = second === undefined ? raw : own(CODECS, second.name);
  if (makeCodec === undefined) throw unknownName(text);
  const frames = make(framing, first.options) as {
    wrap(codec: unknown, options: { readonly name: string }): AnyProtocol;
  };
  const codec = make(makeCodec, second?.options ?? {});
  return made(text, () => frames.wrap(codec, { name: text })) as AnyProtocol;
}

const own = (all: Readonly<Record<string, Make>>, name: string): Make | undefined =>
  Object.hasOwn(all, name) ? all[name] : undefined;

/** A name and its options. */
export interface NamePiece {
  readonly name: string;
  /** Numbers, booleans and text; text without a key has the key `""`. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** The pieces of a name, as typed: `name:key=value,text+name`. */
export function namePieces(text: string): readonly NamePiece[] {
  return text.split("+").map(pieceOf);
}

function pieceOf(part: string): NamePiece {
  const colon = part.indexOf(":");
  if (colon < 0) return { name: part.trim(), options: {} };
  // Without a prototype, so that `__proto__` is an unknown option like any other.
  const options = Object.create(null) as Record<string, unknown>;
  for (const word of part.slice(colon + 1).split(",")) {
    const equals = word.indexOf("=");
    if (equals < 0) options[""] = word;
    else {
      const key = word.slice(0, equals).trim();
      const value = word.slice(equals + 1);
      // Hex digits, which may all be decimal digits.
      options[key] = key === "header" ? value.trim() : typed(value);
    }
  }
  return { name: part.slice(0, colon).trim(), options };
}

function typed(text: string): unknown {
  if (text === "true" || text === "false") return text === "true";
  if (/^-?\d+$/.test(text)) return Number(text);
  return text.replaceAll("\\r", "\r").replaceAll("\\n", "\n").replaceAll("\\0", "\0");
}

/** True for the name of a file with a protocol, `./mine.ts#name`, which only the command line loads. */
export function isFileName(text: string): boolean {
  return /^(\.{0,2}[\\/]|[A-Za-z]:[\\/])|\.[cm]?[jt]s(#|$)/.test(text);
}

/** Adds the typed text to errors about options. */
function made(text: string, make: () => unknown): unknown {
  try {
    return make();
  } catch (error) {
    throw new RangeError(`${text}: ${(error as Error).message}`);
  }
}

function unknownName(text: string): RangeError {
  const { ready, framings, codecs } = PROTOCOL_NAMES;
  return new RangeError(
    `unknown protocol ${JSON.stringify(text)}; available: ${ready.join(", ")}; framings: ${framings.join(", ")}; ` +
      `after a +: ${codecs.join(", ")}`,
  );
}
