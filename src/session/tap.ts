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
  /** Called with each message. Its result is not awaited. */
  readonly message: (value: Out) => unknown;
  /**
   * Called once, with the first error: bytes that the protocol cannot read, or an error that `message`
   * threw. This side is no longer observed; the traffic goes on.
   * @defaultValue prints one line
   */
  readonly error?: ((error: unknown) => unknown) | undefined;
}

/** A tap that receives the forwarded bytes themselves, without a copy. */
export interface TapBytes {
  /** Called with bytes that must not be changed. They are never changed later, so you may keep them. */
  readonly bytes: (bytes: Uint8Array) => unknown;
}

/**
 * Observes the bytes that one side sends: a function that is called with a copy, a protocol that decodes a
 * copy, or `{ bytes }` for the bytes themselves.
 */
export type TapSide<Out> = ((bytes: Uint8Array) => unknown) | TapBytes | TapDecoder<Out>;

/**
 * Observes the traffic of a `pipe`. Functions and decoders receive copies, so they cannot change the
 * forwarded bytes.
 */
export interface PipeTap<A, B> {
  /** Observes the bytes that the first connection sends. */
  readonly a?: TapSide<A> | undefined;
  /** Observes the bytes that the second connection sends. */
  readonly b?: TapSide<B> | undefined;
}

/** An active tap on one side. Never throws. */
export interface Tap {
  /** Takes bytes that were forwarded. */
  push(bytes: Uint8Array): void;
  /** Marks the end of the bytes. */
  end(): void;
}

/**
 * Makes the tap of one side. A failure ends only this side of the tap.
 *
 * @throws TypeError for a value that is not a function, `{ bytes }`, or a decoder with a stream protocol
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
  // A decoder, or a function that keeps the bytes, may write into them.
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
    // A nested call, from a message that makes more bytes go through, leaves them to the outer call.
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

/** Reports an error; an error that the `error` handler throws is printed. */
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
