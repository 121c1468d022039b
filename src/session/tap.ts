import {
  checkOptions,
  checkStreamProtocol,
  Decoder,
  guard,
  isThenable,
  type Protocol,
  ProtocolError,
  reportBug,
  reportPeer,
} from "../core/index.ts";

/** A tap that decodes. */
export interface TapDecoder<Out> {
  /** The protocol that this side speaks. */
  readonly protocol: Protocol<never, Out>;
  /** Called with each message. What it returns is not waited for. */
  readonly message: (value: Out) => unknown;
  /**
   * Called once with what went wrong: bytes that the protocol cannot read, or what `message` threw. This side is not
   * looked at any more; the traffic goes on.
   * @defaultValue prints one line
   */
  readonly error?: ((error: unknown) => unknown) | undefined;
}

/** A tap that gets the forwarded bytes themselves, without the cost of a copy. */
export interface TapBytes {
  /** Called with bytes that must not be changed; they never change later, so they may be kept. */
  readonly bytes: (bytes: Uint8Array) => unknown;
}

/**
 * Looks at what one side sends: a function that is called with a copy of the bytes, a protocol that decodes a copy, or
 * `{ bytes }` for the bytes themselves.
 */
export type TapSide<Out> = ((bytes: Uint8Array) => unknown) | TapBytes | TapDecoder<Out>;

/**
 * Looks at the traffic of a `pipe`. Functions and decoders get copies, so nothing that they do changes what is
 * forwarded.
 */
export interface PipeTap<A, B> {
  /** Looks at what the first connection sends. */
  readonly a?: TapSide<A> | undefined;
  /** Looks at what the second connection sends. */
  readonly b?: TapSide<B> | undefined;
}

/** One side of a tap at work. Never throws. */
export interface Tap {
  /** Bytes went through. */
  push(bytes: Uint8Array): void;
  /** No bytes follow. */
  end(): void;
}

/**
 * Makes one side of a tap. Whatever fails in it ends this side of it and nothing else.
 *
 * @throws TypeError for what is neither a function nor `{ bytes }` nor a decoder with a stream protocol
 */
export function tapOf<Out>(side: TapSide<Out> | undefined): Tap | undefined {
  if (side === undefined) return undefined;
  let isOff = false;
  const fail = (error: unknown): void => {
    if (isOff) return;
    isOff = true;
    tell(side, error);
  };
  const call = <Value>(message: (value: Value) => unknown, value: Value): void => {
    const result = message(value);
    if (isThenable(result)) Promise.resolve(result).then(undefined, fail);
  };
  const work = workOf(side, call, () => isOff);
  // A decoder, or whoever keeps the bytes, may write into them.
  const isCopied = !isBytesTap(side);
  return {
    push(bytes) {
      if (isOff) return;
      try {
        work.push(isCopied ? new Uint8Array(bytes) : bytes);
      } catch (error) {
        fail(error);
      }
    },
    end() {
      if (isOff) return;
      try {
        work.end();
      } catch (error) {
        fail(error);
      }
    },
  };
}

const isBytesTap = <Out>(side: TapSide<Out>): side is TapBytes =>
  typeof side === "object" && side !== null && "bytes" in side;

function workOf<Out>(side: TapSide<Out>, call: Call, isOff: () => boolean): Tap {
  if (typeof side === "function") return bytesTo(side, call);
  if (!isBytesTap(side)) return valuesTo(side, call, isOff);
  checkOptions("tap", side, ["bytes"]);
  if (typeof side.bytes !== "function") throw new TypeError("tap: bytes must be a function");
  return bytesTo(side.bytes, call);
}

type Call = <Value>(message: (value: Value) => unknown, value: Value) => void;

function bytesTo(side: (bytes: Uint8Array) => unknown, call: Call): Tap {
  return { push: (bytes) => call(side, bytes), end() {} };
}

function valuesTo<Out>(side: TapDecoder<Out>, call: Call, isOff: () => boolean): Tap {
  checkOptions("tap", side, ["protocol", "message", "error"]);
  const { protocol, message } = side;
  checkStreamProtocol(protocol);
  if (typeof message !== "function") throw new TypeError("tap: message must be a function");
  const decoder = new Decoder<Out>(protocol);
  let isBusy = false;
  const pump = (): void => {
    // A message that makes more bytes go through leaves them to the outer call.
    if (isBusy) return;
    isBusy = true;
    try {
      while (!isOff() && decoder.next()) call(message, decoder.value as Out);
    } finally {
      isBusy = false;
    }
  };
  return {
    push(bytes) {
      decoder.push(bytes);
      pump();
    },
    end() {
      decoder.finish();
      pump();
    },
  };
}

/** Tells of an error; what the `error` handler throws is printed. */
function tell<Out>(side: TapSide<Out>, error: unknown): void {
  const decoder = typeof side === "function" || isBytesTap(side) ? undefined : side;
  if (decoder?.error === undefined) {
    if (error instanceof ProtocolError && decoder !== undefined) {
      reportPeer(`tap of ${decoder.protocol.name}`, undefined, error);
    } else {
      reportBug(error, "report");
    }
    return;
  }
  guard(() => decoder.error?.(error));
}
