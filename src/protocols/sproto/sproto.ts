import {
  type Codec,
  checkRange,
  type Format,
  type Output,
  ProtocolError,
  plain,
} from "../../core/index.ts";
import { writeBundle } from "./bundle.ts";
import { bad, withoutPlace } from "./decoding.ts";
import { defaultOf } from "./default.ts";
import type { DecodeStruct, EncodeStruct, Engine } from "./engine.ts";
import { type HostOptions, SprotoHost } from "./host.ts";
import type { Settings } from "./options.ts";
import { checkPacked, checkPadded, packedRoom, packInto, unpackFrom, unpackInto } from "./pack.ts";
import type { FieldKind, Schema, SchemaProtocol } from "./schema.ts";
import type { AnyTypes, Decoded, Encodable, SprotoTypes, TypeName } from "./types.ts";
import { type Writer, writing } from "./writer.ts";

type Unpack = (bytes: Uint8Array, start: number, end: number) => Uint8Array;

/**
 * A schema that encodes and decodes messages. `parse` and `load` return one; it is frozen and can
 * be shared.
 *
 * ```text
 *   count  records: one u16 for each field     data: u32 length, bytes
 *   03 00  | 00 00 | 1c 00 | 02 00 |           05 00 00 00  41 6c 69 63 65
 *            in data  13      false            "Alice"
 * ```
 *
 * A message is an object with a property for each present field. Fields that are `undefined` or
 * missing are not written; absent fields are not properties of the decoded object.
 *
 * | field | encodes | decodes to |
 * |---|---|---|
 * | `integer` | safe integer, bigint of 64 bits | number if exact, else bigint (option `int64`) |
 * | `integer(n)` | number, rounded to n decimal places | number |
 * | `boolean`, `double` | boolean, number | the same |
 * | `string` | string without lone surrogates | string (option `strings`) |
 * | `binary` | Uint8Array | Uint8Array, a view (option `copy`) |
 * | `T` | object | object |
 * | `*X` | array, or any iterable | array |
 * | `*T(key)` | Map, iterable of structs, object | Map from the field `key` to the struct (option `maps`) |
 * | `*T()` | Map, iterable of pairs, object | Map from the first field to the second (option `maps`) |
 */
export class Sproto<T extends SprotoTypes = AnyTypes> {
  /** The declared types and protocols. */
  readonly schema: Schema;

  readonly #settings: Settings;
  // The first use creates the engine; it is kept in an object of its own, because this one is
  // frozen (and some compilers turn private fields into ordinary ones).
  readonly #lazy: { readonly make: () => Engine; made?: Engine };
  readonly #types: ReadonlyMap<string, number>;
  readonly #givesViews: boolean;
  readonly #byName: ReadonlyMap<string, SchemaProtocol>;
  readonly #byTag: ReadonlyMap<number, SchemaProtocol>;

  /** Limits and forms, as passed to `parse` or `load`. */
  get settings(): Settings {
    return this.#settings;
  }

  /** @internal */
  constructor(schema: Schema, settings: Settings, make: () => Engine) {
    this.schema = schema;
    this.#settings = settings;
    this.#lazy = { make };
    this.#types = new Map(schema.types.map(({ name, index }) => [name, index]));
    this.#byName = new Map(schema.protocols.map((protocol) => [protocol.name, protocol]));
    this.#byTag = new Map(schema.protocols.map((protocol) => [protocol.tag, protocol]));
    const isBytes = (kind: FieldKind): boolean =>
      kind === "binary" || (kind === "string" && settings.strings === "bytes");
    this.#givesViews =
      !settings.copy && schema.types.some(({ fields }) => fields.some(({ kind }) => isBytes(kind)));
    Object.freeze(this);
  }

  /**
   * Encodes a message.
   *
   * @param type - full name of its type
   * @throws ProtocolError `unencodable` for a value that does not fit its field, naming the field;
   *   TypeError for a type that is not in the schema
   */
  encode<N extends TypeName<T>>(type: N, value: Encodable<T, N>): Uint8Array<ArrayBuffer> {
    const encode = this.#encoder(type);
    return writing(this.#settings, (w) => {
      encode(w, value, 1);
      w.checkSize();
      return w.take(w.start + 4);
    });
  }

  /**
   * Decodes the message at the start of the bytes. Bytes after it are ignored, because unpacking
   * leaves zeros there.
   *
   * @param type - full name of its type
   * @throws ProtocolError `malformed`, or `too-long` over a limit of size or depth; TypeError for a
   *   type that is not in the schema
   */
  decode<N extends TypeName<T>>(type: N, bytes: Uint8Array): Decoded<T, N> {
    const decode = this.#decoder(type);
    return this.#read(decode, plain(bytes), 0, bytes.length) as Decoded<T, N>;
  }

  /**
   * Decodes the message at the start of `bytes[start .. end)`, and returns its length too.
   *
   * @throws as `decode`; RangeError if the range does not lie within the bytes
   */
  decodeFrom<N extends TypeName<T>>(
    type: N,
    bytes: Uint8Array,
    start = 0,
    end: number = bytes.length,
  ): { value: Decoded<T, N>; consumed: number } {
    const from = plain(bytes);
    checkRange(from, start, end);
    const value = this.#read(this.#decoder(type), from, start, end) as Decoded<T, N>;
    return { value, consumed: this.#engine.stop() - start };
  }

  /**
   * Returns a codec for one type, to use in a framing. Bytes after the message are `malformed`.
   *
   * @param type - full name
   * @throws TypeError for a type that is not in the schema
   */
  type<N extends TypeName<T>>(type: N): Codec<Encodable<T, N>, Decoded<T, N>> {
    const encode = this.#encoder(type);
    const decode = this.#decoder(type);
    return Object.freeze<Codec<Encodable<T, N>, Decoded<T, N>>>({
      format: this.#format(type, undefined),
      encode: (value, out) => this.#append(encode, value, out),
      decode: (bytes, start, end) => {
        const value = this.#read(decode, bytes, start, end);
        const stop = this.#engine.stop();
        if (stop !== end) bad(type, `${end - stop} bytes after the message`, stop);
        return value as Decoded<T, N>;
      },
    });
  }

  /**
   * Returns a codec for one type in packed form, as `pencode` writes and `pdecode` reads it.
   *
   * @param type - full name
   * @throws TypeError for a type that is not in the schema
   *
   * @example
   * ```ts
   * import { decodeFrame, encodeFrame } from "framewright";
   * import { netpack, parse } from "framewright/sproto";
   *
   * const people = netpack().wrap(parse(".Person { name 0 : string }").packed("Person"));
   * const frame = encodeFrame(people, { name: "Ann" });
   * console.log(frame.join(" "));
   * //=> 0 7 17 1 3 7 65 110 110
   * console.log(decodeFrame(people, frame));
   * //=> { name: 'Ann' }
   * ```
   */
  packed<N extends TypeName<T>>(type: N): Codec<Encodable<T, N>, Decoded<T, N>> {
    this.#index(type);
    return Object.freeze<Codec<Encodable<T, N>, Decoded<T, N>>>({
      format: this.#format(type, (bytes, start, end) =>
        unpackFrom(bytes, start, end, this.#settings.maxSize),
      ),
      encode: (value, out) => void out.bytes(this.pencode(type, value)),
      decode: (bytes, start, end) => this.#unpacked(type, bytes, start, end) as Decoded<T, N>,
    });
  }

  /** Describes a message, for tools. */
  #format(type: string, unpack: Unpack | undefined): Format {
    const { maxDepth, strings } = this.#settings;
    const found = this.schema.types[this.#index(type)]!;
    return { name: "sproto", type: found, maxDepth, strings, ...(unpack && { unpack }) };
  }

  /**
   * Encodes a message, and packs it.
   *
   * @throws as `encode`; also `unencodable` if the packed message exceeds `maxSize`, or the message
   *   padded to words of 8 bytes, as the other side unpacks it
   */
  pencode<N extends TypeName<T>>(type: N, value: Encodable<T, N>): Uint8Array<ArrayBuffer> {
    const encode = this.#encoder(type);
    return writing(this.#settings, (w) => {
      encode(w, value, 1);
      w.checkSize();
      return this.#packed(w, w.start + 4);
    });
  }

  /**
   * Unpacks a message, and decodes it.
   *
   * @throws as `unpack` and `decode`; an error in the message has no offset, because its bytes are
   *   not those of the argument
   */
  pdecode<N extends TypeName<T>>(type: N, bytes: Uint8Array): Decoded<T, N> {
    return this.#unpacked(type, plain(bytes), 0, bytes.length) as Decoded<T, N>;
  }

  #unpacked(type: string, from: Uint8Array, start: number, end: number): object {
    const decode = this.#decoder(type);
    return writing(this.#settings, (w) => {
      unpackInto(w, from, start, end);
      let value: object;
      try {
        value = decode(w.bytes, w.start, w.at, 1);
      } catch (error) {
        throw withoutPlace(error);
      }
      // Bytes in the value are views of the unpacked memory.
      if (this.#givesViews) w.keep();
      else w.rewind();
      return value;
    });
  }

  /**
   * Returns a value with all fields of a type: 0, false, empty text and bytes, empty structs, lists
   * and maps.
   *
   * @throws TypeError for a type that is not in the schema
   */
  default<N extends TypeName<T>>(type: N): Decoded<T, N> {
    const { fields } = this.schema.types[this.#index(type)]!;
    return defaultOf(fields, this.#settings) as Decoded<T, N>;
  }

  /** Returns the schema in binary form, as the reference exchanges it and `load` reads it. */
  bundle(): Uint8Array<ArrayBuffer> {
    return writeBundle(this.schema);
  }

  /** Finds a protocol by its name or tag. */
  protocol(nameOrTag: string | number): SchemaProtocol | undefined {
    if (typeof nameOrTag === "number") return this.#byTag.get(nameOrTag);
    return this.#byName.get(nameOrTag);
  }

  /**
   * Creates a host for remote calls without a connection, as in the reference.
   *
   * @param packageName - the type of the header
   * @defaultValue packageName `'package'`
   * @throws TypeError if there is no such type, or it lacks the integers `type` and `session`;
   *   RangeError for an invalid limit
   */
  host(packageName = "package", options: HostOptions = {}): SprotoHost {
    return new SprotoHost(this as unknown as Sproto, packageName, options);
  }

  /**
   * Packs a header followed by its body.
   * @internal
   */
  packParts(
    type: string,
    header: object,
    schema: Sproto | undefined,
    bodyType: string | undefined,
    body: unknown,
  ): Uint8Array<ArrayBuffer> {
    const encode = this.#encoder(type);
    const encodeBody =
      bodyType === undefined || schema === undefined ? undefined : schema.#encoder(bodyType);
    return writing(this.#settings, (w) => {
      encode(w, header, 1);
      const at = w.at;
      if (encodeBody !== undefined) {
        encodeBody(w, body, 1);
        // The body follows the header directly, without its length.
        w.bytes.copyWithin(at, at + 4, w.at);
        w.at -= 4;
      }
      w.checkSize();
      return this.#packed(w, w.start + 4);
    });
  }

  /** Describes a call whose header is of this type, for tools. @internal */
  callFormat(packageName: string): Format {
    const requests = new Map(this.schema.protocols.map(({ tag, request }) => [tag, request]));
    const { maxSize } = this.#settings;
    const unpack: Unpack = (bytes, start, end) => unpackFrom(bytes, start, end, maxSize);
    return { ...this.#format(packageName, unpack), requests };
  }

  get #engine(): Engine {
    const lazy = this.#lazy;
    lazy.made ??= lazy.make();
    return lazy.made;
  }

  #encoder(type: string): EncodeStruct {
    return this.#engine.encoders[this.#index(type)]!;
  }

  #decoder(type: string): DecodeStruct {
    return this.#engine.decoders[this.#index(type)]!;
  }

  #index(type: string): number {
    const index = this.#types.get(type);
    if (index === undefined) throw new TypeError(`the schema has no type ${type}`);
    return index;
  }

  #read(decode: DecodeStruct, bytes: Uint8Array, start: number, end: number): object {
    const { maxSize } = this.#settings;
    if (end - start > maxSize) {
      const text = `message of ${end - start} bytes exceeds maxSize ${maxSize}`;
      throw new ProtocolError("too-long", text, start);
    }
    return decode(bytes, start, end, 1);
  }

  #append(encode: EncodeStruct, value: unknown, out: Output): void {
    writing(this.#settings, (w) => {
      encode(w, value, 1);
      w.checkSize();
      out.bytes(w.bytes.subarray(w.start + 4, w.at));
      w.rewind();
    });
  }

  /** Packs what was written from `from` on, and drops the unpacked message. */
  #packed(w: Writer, from: number): Uint8Array<ArrayBuffer> {
    const end = w.at;
    const { start } = w;
    checkPadded(end - from, w.maxSize);
    w.need(packedRoom(end - from));
    const stop = packInto(w.bytes, from, end, w.bytes, end);
    w.bytes.copyWithin(start, end, stop);
    w.at = start + stop - end;
    checkPacked(stop - end, w.maxSize);
    return w.take(start);
  }
}
