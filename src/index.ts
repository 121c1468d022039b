/**
 * Binary and line protocols over any socket: pure codecs behind a streaming frame splitter.
 *
 * A protocol is three pure functions (`measure`, `decode`, `encode`); a `Splitter` finds the frames in a
 * byte stream; a `Connection` binds both to any socket.
 *
 * @packageDocumentation
 */
export * from "./core/index.ts";
export * from "./framing/index.ts";
