import {
  type CloseInfo,
  Connection,
  decodeFrame,
  encodeFrame,
  type MessageProtocol,
  newScan,
  type Protocol,
  ProtocolError,
  type Sink,
} from "../../src/core/index.ts";
import { equal } from "../../src/testing/equal.ts";
import { ManualClock } from "../../src/testing/index.ts";

/*
 * A connection that is told to do anything in any order, beside a model of what it has to do.
 *
 * A program is a row of steps: the low half of a byte says what, the high half with what.
 *
 *   0 that many bytes come (they follow)      8  the sink has room again
 *   1 sixteen times as many                   9  the peer ends
 *   2 pause                                   10 the transport is lost (odd: with an error)
 *   3 resume                                  11 the sink is full from now on
 *   4 send a value                            12 that many seconds pass
 *   5 send a frame                            13 in the next message handler: step of that kind
 *   6 close                                   14 the transport is open
 *   7 abort (odd: with an error)              15 go on with the other protocol
 */

/** What is spoken first, and what it may change to. */
export interface Talk {
  readonly name: string;
  readonly boundary: "stream" | "message";
  readonly protocols: readonly [MessageProtocol<string>, MessageProtocol<string>];
}

const CODES = ["malformed", "too-long", "truncated"];
const LIMITS = {
  highWater: 40,
  maxQueued: 400,
  idleTimeout: 20_000,
  firstMessageTimeout: 30_000,
  closeTimeout: 10_000,
  endTimeout: 40_000,
};

/** Input as a plain reader sees it: all bytes in one place, read from the beginning. */
class Model {
  protocol: MessageProtocol<string>;
  readonly #boundary: Talk["boundary"];
  /** What came and is not read: one stream, or messages. */
  #unread: Uint8Array[] = [];
  #values: readonly string[] = [];
  isEnded = false;

  constructor({ boundary, protocols }: Talk) {
    this.#boundary = boundary;
    this.protocol = protocols[0];
  }

  push(bytes: Uint8Array): void {
    // An empty message contains no frames.
    if (bytes.length === 0 && "measure" in this.protocol) return;
    if (this.#boundary === "message" || this.#unread.length === 0) this.#unread.push(bytes);
    else this.#unread = [Uint8Array.of(...this.#unread[0]!, ...bytes)];
  }

  /** In the middle of a frame of several values. */
  get isInside(): boolean {
    return this.#values.length > 0;
  }

  /** The next message; undefined where there is none. Throws as reading does. */
  next(): string | undefined {
    for (;;) {
      const [value, ...others] = this.#values;
      if (value !== undefined) {
        this.#values = others;
        return value;
      }
      const frame = this.#frame();
      if (frame === undefined) return undefined;
      const { decodeMany } = this.protocol;
      this.#values =
        decodeMany === undefined
          ? [decodeFrame(this.protocol, frame)]
          : decodeMany(frame, 0, frame.length);
    }
  }

  #frame(): Uint8Array | undefined {
    const [bytes, ...others] = this.#unread;
    if (bytes === undefined) return undefined;
    const isMessage = this.#boundary === "message";
    if (!("measure" in this.protocol)) {
      this.#unread = others;
      if (bytes.length > this.protocol.maxFrame) throw new ProtocolError("too-long", "a message");
      return bytes;
    }
    if (bytes.length === 0) {
      this.#unread = others;
      return this.#frame();
    }
    const length = frameLength(this.protocol as Protocol<string>, bytes);
    if (length === 0 || length > bytes.length) {
      if (isMessage || this.isEnded) throw new ProtocolError("truncated", "cut");
      return undefined;
    }
    // A message that is used up is no message of the next protocol.
    const rest = bytes.subarray(length);
    this.#unread = isMessage && rest.length === 0 ? others : [rest, ...others];
    return bytes.subarray(0, length);
  }
}

/** Byte by byte, as slowly as can be. */
function frameLength({ measure, maxFrame }: Protocol<string>, bytes: Uint8Array): number {
  for (let end = 1; end <= bytes.length; end++) {
    if (end > maxFrame) throw new ProtocolError("too-long", "a frame");
    const length = measure(bytes, 0, end, newScan());
    if (length > maxFrame) throw new ProtocolError("too-long", "a frame");
    if (length > 0) return length;
  }
  // As long as may be, and still no end.
  if (bytes.length >= maxFrame) throw new ProtocolError("too-long", "a frame");
  return 0;
}

function expect(holds: boolean, text: string): asserts holds {
  if (!holds) throw new Error(text);
}

const words = ["", "a", "é", "hello", "x".repeat(30), "two words", "0", "-".repeat(38)];

/** Runs one program; throws where the connection does not do as the model does. */
export function runProgram(talk: Talk, program: Uint8Array): void {
  const { boundary, protocols } = talk;
  const rounds: (() => void)[] = [];
  const clock = Object.assign(new ManualClock(), {
    soon: (run: () => void) => void rounds.push(run),
  });
  const model = new Model(talk);
  const sent: Uint8Array[] = [];
  const written: Uint8Array[] = [];
  const closes: CloseInfo[] = [];
  const failure = new Error("failure");
  const thrown = new Error("thrown");
  let isFull = false;
  let isPaused = false;
  let isSinkOver = false;
  let isSourcePaused = false;
  let isLost = false;
  /** Nothing is delivered any more. */
  let isHalted = false;
  let delivered = 0;
  let inHandler: number | undefined;

  // What is thrown in a handler, or in a sink, is the connection's to deal with: it is noted, and told afterwards.
  let broken: unknown;
  const noting = (run: () => void): void => {
    try {
      run();
    } catch (error) {
      if (error === thrown) throw error;
      broken ??= error;
    }
  };

  const sink: Sink = {
    boundary,
    write(bytes) {
      noting(() => {
        expect(!isSinkOver, "a write to a sink that is closed");
        expect(connection.state !== "opening" && !isLost, "a write before it is open");
      });
      written.push(bytes.slice());
      return !isFull;
    },
    pause() {
      noting(() => expect(!isSourcePaused, "paused twice"));
      isSourcePaused = true;
    },
    resume() {
      noting(() => expect(isSourcePaused, "resumed without a pause"));
      isSourcePaused = false;
    },
    close() {
      noting(() => {
        expect(!isSinkOver, "closed twice");
        expect(join(written).length === join(sent).length, "closed before all is written");
      });
      isSinkOver = true;
    },
    abort() {
      isSinkOver = true;
    },
  };
  const alive = (what: string): void => expect(closes.length === 0, `${what} behind the end`);
  const handlers = {
    open: () => noting(() => alive("open")),
    drain: ({ queued }: Connection<string>) =>
      noting(() => {
        alive("drain");
        expect(queued <= LIMITS.highWater / 2, `drain with ${queued} queued`);
      }),
    message: (_: Connection<string>, value: string) => noting(() => heard(value)),
    error: (_: Connection<string>, error: unknown) => noting(() => failed(error)),
    close: (_: Connection<string>, info: CloseInfo) => void closes.push(info),
  };
  function heard(value: string): void {
    alive("a message");
    expect(!isPaused, "a message in a pause");
    expect(!isHalted, "a message behind the end");
    const wanted = model.next();
    expect(value === wanted, `message ${delivered} is ${value}, not ${wanted}`);
    delivered++;
    const action = inHandler;
    inHandler = undefined;
    if (action !== undefined) step(action, delivered);
  }
  function failed(error: unknown): void {
    isHalted = true;
    const { code } = error as ProtocolError;
    if (!CODES.includes(code)) {
      expect(error === failure || error === thrown || isLimit(code), `${error}`);
      return;
    }
    let found: unknown;
    try {
      found = model.next();
    } catch (theirs) {
      found = (theirs as ProtocolError).code;
    }
    expect(found === code, `${code}, where the model has ${found}`);
  }
  const isLimit = (code: string): boolean => code === "overflow" || code === "timeout";
  let connection = new Connection<string>(protocols[0], sink, handlers, { ...LIMITS, clock });
  const isOver = (): boolean => connection.state === "closing" || connection.state === "closed";

  /** One step, with its number; in a message handler only those that a user can take. */
  function step(what: number, many: number): void {
    switch (what) {
      case 2:
        isPaused = true;
        connection.pause();
        break;
      case 3:
        isPaused = false;
        connection.resume();
        break;
      case 4:
      case 5: {
        const word = words[many % words.length]!;
        try {
          const frame = encodeFrame(model.protocol, word);
          if (!isOver()) sent.push(frame);
          const roomy = what === 4 ? connection.send(word) : connection.sendFrame(frame);
          expect(!(roomy && isOver()), "sent behind the end");
        } catch (error) {
          expect((error as ProtocolError).code === "unencodable", `send: ${error}`);
        }
        break;
      }
      case 6:
        isHalted = true;
        connection.close();
        break;
      case 7:
        isHalted = true;
        connection.abort(many % 2 === 1 ? failure : undefined);
        expect(connection.state === "closed", "not closed by abort");
        break;
      case 13:
        if (many % 2 === 1) throw thrown;
        break;
      case 15: {
        const next = protocols[many % 2]!;
        try {
          connection = use(connection, next);
          // Of a connection that is closing nothing more is delivered.
          expect(!model.isInside || isHalted, "another protocol inside of a frame");
        } catch (error) {
          expect(error instanceof TypeError && model.isInside, `use: ${error}`);
        }
      }
    }
  }

  function use(old: Connection<string>, next: MessageProtocol<string>): Connection<string> {
    const inside = model.isInside;
    const before = model.protocol;
    if (!inside) model.protocol = next;
    try {
      return old.use(next, handlers);
    } catch (error) {
      model.protocol = before;
      throw error;
    }
  }

  /** What holds between any two steps. */
  function check(): void {
    // After a pause the rest may have to wait for its turn.
    for (const round of rounds.splice(0)) round();
    if (broken !== undefined) throw broken;
    const { state, queued } = connection;
    expect(
      closes.length === (state === "closed" ? 1 : 0),
      `${state}, closed ${closes.length} times`,
    );
    expect(queued >= 0, `${queued} bytes queued`);
    const [out, all] = [join(written), join(sent)];
    expect(equal(out, all.subarray(0, out.length)), "written is other than sent");
    if (boundary === "message") {
      expect(equal(written, sent.slice(0, written.length)), "messages other than sent");
    }
    if (state === "closed") {
      expect(clock.waiting === 0, `${clock.waiting} timers left`);
      expect(queued === 0, `${queued} bytes queued behind the end`);
      return;
    }
    if (isHalted || isOver() || isPaused || state === "opening") return;
    // Of a peer that has ended nothing comes, so it does not matter then.
    expect(!isSourcePaused || model.isEnded, "the source is paused for no reason");
    expect(!model.isInside, "a value lies in an open connection");
    let more: unknown;
    try {
      more = model.next();
    } catch (error) {
      more = error;
    }
    expect(more === undefined, `${more} lies in an open connection`);
  }

  for (let current = 0; current < program.length; ) {
    const byte = program[current++]!;
    const [what, many] = [byte & 15, byte >> 4];
    switch (what) {
      case 0:
      case 1: {
        const length = what === 0 ? many : 16 * many;
        const bytes = program.slice(current, current + length);
        current += length;
        // Of a transport that is not open, or has ended, nothing comes.
        if (!isHalted && connection.state !== "opening" && !model.isEnded) {
          model.push(bytes.slice());
          connection.received(bytes);
        }
        break;
      }
      case 8:
        isFull = false;
        connection.drained();
        if (connection.state === "open") {
          expect(join(written).length === join(sent).length, "not all is written, with room");
          expect(connection.queued === 0, `${connection.queued} bytes queued, with room`);
        }
        break;
      case 9:
        model.isEnded = true;
        connection.ended();
        break;
      case 10: {
        const error = many % 2 === 1 ? failure : undefined;
        const wasOpening = connection.state === "opening";
        // After an error what is not whole is no fault of its own.
        if (error === undefined) model.isEnded = true;
        isSinkOver = true;
        isLost = true;
        connection.lost(error);
        // What came whole is still delivered; a reader that is paused has until endTimeout.
        if (wasOpening || isPaused) clock.advance(LIMITS.endTimeout);
        isHalted = true;
        expect(connection.state === "closed", "not closed where all is lost");
        break;
      }
      case 11:
        isFull = true;
        break;
      case 12:
        clock.advance(1000 * many);
        break;
      case 13:
        inHandler = many;
        break;
      case 14:
        // A transport says it once.
        if (connection.state === "opening") connection.opened();
        break;
      default:
        step(what, many);
    }
    check();
  }
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
