import {
  type CloseInfo,
  Connection,
  defineProtocol,
  type Handlers,
  lines,
  type MessageProtocol,
  ProtocolError,
  utf8,
} from "../../src/index.ts";
import { ManualClock } from "./manual-clock.ts";

/*
 * A connection under any sequence of calls, from outside and from inside of its own handlers, sink and encoder, beside a
 * slow and simple model of what docs/connections.md promises. The model checks every call that the connection makes, and
 * between two steps, when promises have settled, what must have happened by then.
 */

/** One call, or what the world does. */
export type Step =
  | { readonly do: "bytes"; readonly words: readonly string[]; readonly cut: number }
  | { readonly do: "many"; readonly count: number }
  | { readonly do: "send"; readonly size: number }
  | { readonly do: "frame"; readonly size: number }
  | { readonly do: "next" | "return" | "hold" | "release"; readonly which: number }
  | { readonly do: "lost" | "abort"; readonly isError: boolean }
  | { readonly do: "settle"; readonly isRejected: boolean }
  | { readonly do: "pass"; readonly ms: number }
  | { readonly do: "use"; readonly many: boolean; readonly message: boolean; readonly end: boolean }
  | {
      readonly do:
        | ("opened" | "ended" | "drained" | "full" | "pause" | "resume" | "end" | "close")
        | ("detach" | "turns" | "promise" | "throw" | "none" | "ready" | "flushed");
    }
  | { readonly do: "arm"; readonly where: Place; readonly step: Step };

/** Where a step may be taken from inside. */
export type Place =
  | ("open" | "message" | "drain" | "end" | "error" | "write" | "encode" | "input")
  | SinkPlace;
/** Calls of the sink in which only a throw is tried. */
type SinkPlace = "sinkPause" | "sinkResume" | "sinkEnd" | "sinkClose" | "sinkAbort" | "buffered";

export interface Plan {
  readonly boundary: "stream" | "message";
  readonly concurrency: number;
  readonly message: boolean;
  readonly end: boolean;
  readonly many: boolean;
  /** With limits for what the peer does: its first message, frames, silence, and what it does not take. */
  readonly isTimed: boolean;
  /** The sink takes text as it is. */
  readonly isTextSink: boolean;
  /** The `context` handler throws. */
  readonly isContextBroken: boolean;
  readonly steps: readonly Step[];
}

const HIGH_WATER = 40;
const MAX_QUEUED = 3000;
const CLOSE_TIMEOUT = 4000;
const END_TIMEOUT = 8000;
const LATEST = 1000;
const PEER_LIMITS = {
  firstMessageTimeout: 7000,
  frameTimeout: 2500,
  idleTimeout: 5500,
  sendTimeout: 3000,
};
const MAX_FRAME = 600;
const FAULTS = ["malformed", "too-long", "truncated"];

const text = lines({ maxFrame: MAX_FRAME }).wrap(utf8());
const ascii = (s: string): Uint8Array<ArrayBuffer> => Uint8Array.from(s, (c) => c.charCodeAt(0));
const latin1 = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

/** Lets promises settle. */
async function settled(): Promise<void> {
  for (let i = 0; i < 30; i++) await Promise.resolve();
}

/** A `next()` that was asked for. */
interface Ask {
  readonly iterator: number;
  isDone: boolean;
}

interface Asked {
  readonly iterator: AsyncIterableIterator<string, undefined>;
  /** Has asked, and was neither told of the end nor returned. */
  isUnfinished: boolean;
}

/** Something that waits for output: `ready()` or `flushed()`. */
interface Wait {
  readonly of: "ready" | "flushed";
  /** What was sent before. */
  readonly at: number;
  state: "waits" | "resolved" | "rejected";
}

interface Pending {
  readonly of: "message" | "other" | "end";
  resolve(): void;
  reject(error: unknown): void;
}

export class World {
  readonly log: string[] = [];
  readonly #clock = new ManualClock();
  readonly #soon: (() => void)[] = [];
  readonly #plan: Plan;
  readonly #boundary: "stream" | "message";
  #broken: Error | undefined;

  // Input.
  #unread: string[] = [];
  #many: boolean;
  #hasMessage: boolean;
  #hasEnd: boolean;
  /** Values of frames that were decoded, and how many of them were delivered. */
  readonly #values: string[] = [];
  readonly #taken = new Set<number>();
  #lastTaken = -1;
  #isOpened = false;
  #isPaused = false;
  #isHalted = false;
  #isEnded = false;
  #isSourcePaused = false;
  #serial = 0;
  readonly #iterators: Asked[] = [];
  readonly #asks: Ask[] = [];
  #pending: Pending[] = [];
  readonly #holds: (() => void)[] = [];
  #inputEnds = 0;
  #ends = 0;
  #hasFault = false;

  // Output.
  readonly #frames: { readonly text: string }[] = [];
  #written = "";
  #isFull = false;
  #isSinkDone: "ended" | "closed" | "aborted" | undefined;
  #isLost = false;
  /** What was unread when the socket was handed over. */
  #detached: string | undefined;
  #isDrainOwed = false;
  #isOurEnd = false;
  #isEndedFirst = false;

  // The end.
  #by: CloseInfo["by"] | undefined;
  #reason: unknown;
  #lostError: unknown;
  readonly #errors: unknown[] = [];
  readonly #closes: CloseInfo[] = [];
  #rejections = 0;
  #closedAt = Infinity;
  #endedAt = Infinity;
  #activeAt = 0;
  readonly #waits: Wait[] = [];

  // Time, as far as the peer can help it: only while a message is welcome.
  #welcomed = 0;
  /** Since when the time passes that is not in `#welcomed` yet; Infinity if it does not count. */
  #passingSince = Infinity;
  /** What passed inside of handlers, of which no one says whether it counts. */
  #unsure = 0;
  #openedAt = Infinity;
  #byteAt = -Infinity;
  #frameAt = Infinity;
  /** How many bytes came before the frame that `#frameAt` is for. */
  #frameKey = -1;
  #consumed = 0;
  #takenAt = Infinity;
  #touchedAt = 0;
  readonly #bugs: unknown[] = [];
  /** Those that a sink threw, which are errors of the transport. */
  readonly #failures: unknown[] = [];
  #armed: { where: Place; step: Step }[] = [];
  #depth = 0;
  /** A frame is sent while another one is being encoded. */
  #isEncoding = false;
  #connection!: Connection<string>;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.log.push(JSON.stringify({ ...plan, steps: undefined }));
    this.#boundary = plan.boundary;
    this.#many = plan.many;
    this.#hasMessage = plan.message;
    this.#hasEnd = plan.end;
    const isBroken = plan.isContextBroken;
    const broken = new Error("thrown in context");
    const handlers: Handlers<string> = {
      ...this.#handlers(plan.message, plan.end),
      context: () => {
        if (isBroken) throw broken;
        return undefined;
      },
    };
    const make = (): Connection<string> =>
      new Connection<string>(this.#protocol(plan.many), this.#sink(), handlers, {
        clock: {
          now: () => this.#clock.now(),
          after: (ms, run) => this.#clock.after(ms, run),
          soon: (run) => void this.#soon.push(run),
        },
        highWater: HIGH_WATER,
        maxQueued: MAX_QUEUED,
        closeTimeout: CLOSE_TIMEOUT,
        endTimeout: END_TIMEOUT,
        concurrency: plan.concurrency,
        turn: 8,
        ...(plan.isTimed ? PEER_LIMITS : {}),
      });
    if (isBroken) {
      let thrown: unknown;
      try {
        make();
      } catch (error) {
        thrown = error;
      }
      this.#expect(thrown === broken, `the constructor threw ${String(thrown)}`);
      this.#expect(this.#clock.waiting === 0, `${this.#clock.waiting} timers left`);
      return;
    }
    this.#connection = make();
    this.#connection.onInputEnd(() => {
      this.#inputEnds++;
      this.#expect(this.#inputEnds === 1, "onInputEnd ran twice");
      this.#expect(this.#ends === 0, "onInputEnd ran after end");
      this.#expect(this.#closes.length === 0, "onInputEnd ran after close");
      this.#inside("input");
    });
  }

  /** Takes all steps; throws if the connection does not behave as the model. */
  async run(): Promise<void> {
    if (this.#plan.isContextBroken) {
      if (this.#broken !== undefined) throw this.#broken;
      return;
    }
    for (const step of this.#plan.steps) {
      this.#take(step);
      await settled();
      this.#check();
    }
    // Whatever happened, it can be ended.
    this.#armed = [];
    this.#take({ do: "turns" });
    this.#take({ do: "abort", isError: false });
    await settled();
    this.#check();
    this.#expect(this.#closes.length === 1, `close was called ${this.#closes.length} times`);
    this.#check();
  }

  #expect(holds: boolean, what: string): void {
    if (!holds) this.#broken ??= new Error(`${what}\n  ${this.log.join("\n  ")}`);
  }

  // ---- what the connection is made of

  #protocol(many: boolean): MessageProtocol<string> {
    const decode = (bytes: Uint8Array, start: number, end: number): string => {
      const frame = this.#nextFrame();
      const found = latin1(bytes.subarray(start, end));
      this.#expect(many === this.#many, "a frame was decoded by the other protocol");
      this.#expect(frame === found, `decoded ${found}, not ${frame}`);
      this.#expect(this.#isTakeable, `decoded ${found}, which is not welcome`);
      if (found.includes("!")) {
        this.#hasFault = true;
        throw new ProtocolError("malformed", "!");
      }
      return found.slice(0, -1);
    };
    const one = {
      ...text,
      name: "one",
      encode: (value: string, out: Parameters<typeof text.encode>[1]) => {
        const begun = value.length % 2;
        out.utf8(value.slice(0, begun));
        this.#inside("encode");
        out.utf8(`${value.slice(begun)}\n`);
      },
      encodeText: (value: string) => {
        this.#inside("encode");
        return `${value}\n`;
      },
      decode: (bytes: Uint8Array, start: number, end: number) => {
        const value = decode(bytes, start, end);
        this.#values.push(value);
        return value;
      },
    };
    if (!many) return defineProtocol<string>(one);
    return defineProtocol<string>({
      ...one,
      name: "many",
      decodeMany: (bytes, start, end) => {
        const values = decode(bytes, start, end)
          .split(" ")
          .filter((word) => word !== "");
        this.#values.push(...values);
        return values;
      },
    });
  }

  #sink(): ConstructorParameters<typeof Connection>[1] {
    const world = this;
    const usable = (what: string): void => {
      this.#expect(!this.#isLost, `${what} of a sink that is lost`);
      this.#expect(this.#isSinkDone !== "aborted", `${what} of a sink that is aborted`);
    };
    const write = (text: string): boolean => {
      usable("write");
      this.#expect(this.#isSinkDone === undefined, `write of a sink: ${this.#isSinkDone}`);
      this.#expect(this.#isOpened, "write before open");
      const before = this.#written;
      this.#written += text;
      this.#activeAt = this.#clock.now();
      const wasTakenAt = this.#takenAt;
      this.#takenAt = this.#clock.now();
      try {
        this.#inside("write");
      } catch (error) {
        this.#written = before;
        this.#takenAt = wasTakenAt;
        throw error;
      }
      return !this.#isFull;
    };
    return {
      boundary: this.#boundary,
      write: (bytes) => write(latin1(bytes)),
      ...(this.#plan.isTextSink ? { writeText: write } : {}),
      pause() {
        usable("pause");
        world.#expect(!world.#isSourcePaused, "paused twice");
        world.#isSourcePaused = true;
        world.#inside("sinkPause");
      },
      resume() {
        usable("resume");
        world.#expect(world.#isSourcePaused, "resumed without a pause");
        world.#isSourcePaused = false;
        world.#inside("sinkResume");
      },
      buffered() {
        world.#inside("buffered");
        return 0;
      },
      end() {
        usable("end");
        world.#expect(world.#isSinkDone === undefined, `end of a sink: ${world.#isSinkDone}`);
        world.#expect(world.#isOurEnd, "our half ended by itself");
        world.#expect(world.#written === world.#sent, "ended before everything was written");
        world.#isSinkDone = "ended";
        world.#inside("sinkEnd");
      },
      close() {
        usable("close");
        world.#expect(world.#isSinkDone !== "closed", "closed twice");
        world.#expect(world.#written === world.#sent, "closed before everything was written");
        if (world.#by === undefined) {
          world.#expect(world.#mayEnd, "closed although something was pending");
          world.#halt(world.#isEndedFirst ? "local" : "peer");
        }
        world.#isSinkDone = "closed";
        world.#inside("sinkClose");
      },
      abort() {
        usable("abort");
        world.#isSinkDone = "aborted";
        world.#inside("sinkAbort");
      },
      detach() {
        usable("detach");
        // Inside of `open`, detach() may have written what was sent before.
        const isOut = world.#written === world.#sent && world.#isOpened;
        world.#expect(isOut, "detach() although something waits");
        world.#detached = world.#unread.join("");
        world.#halt("local");
        return "socket";
      },
    };
  }

  #handlers(message: boolean, end: boolean): Handlers<string> {
    const alive = (what: string): void =>
      this.#expect(this.#closes.length === 0, `${what} after close`);
    return {
      open: () => {
        alive("open");
        this.#expect(this.#values.length === 0, "open after a message");
        return this.#inside("open");
      },
      message: message
        ? (_, value) => {
            alive("message");
            this.#expect(this.#isTakeable, `message ${value} is not welcome`);
            this.#expect(
              this.#pendingOf("message") < this.#plan.concurrency,
              "too many promises of message",
            );
            this.#takeValue(value);
            return this.#inside("message");
          }
        : undefined,
      drain: ({ queued }) => {
        alive("drain");
        this.#expect(this.#isDrainOwed, "drain was not owed");
        this.#expect(queued <= HIGH_WATER / 2, `drain with ${queued} queued`);
        this.#isDrainOwed = false;
        return this.#inside("drain");
      },
      end: end
        ? () => {
            alive("end");
            this.#ends++;
            this.#expect(this.#ends === 1, "end was called twice");
            this.#expect(this.#isEnded && this.#inputEnds === 1, "end before the end of input");
            this.#expect(this.#pendingOf("message") === 0, "end while message is pending");
            return this.#inside("end");
          }
        : undefined,
      error: (_, error) => {
        alive("error");
        this.log.push(`  error: ${String(error)}`);
        this.#expect(!this.#errors.includes(error), "an error was reported twice");
        this.#errors.push(error);
        this.#checkError(error);
        this.#halt("error", error);
        this.#inside("error");
      },
      close: (_, info) => {
        this.log.push(`  close: ${info.by} ${String(info.error ?? "")}`);
        this.#closes.push(info);
        this.#expect(this.#closes.length === 1, "close was called twice");
        this.#checkClose(info);
        this.#isHalted = true;
      },
    };
  }

  // ---- the model

  /** All that was sent. */
  get #sent(): string {
    return this.#frames.map(({ text }) => text).join("");
  }

  /** The next frame is taken from what is unread; undefined if none is whole. */
  #nextFrame(): string | undefined {
    const [first] = this.#unread;
    const at = first?.indexOf("\n") ?? -1;
    if (first === undefined || at < 0) return undefined;
    const rest = first.slice(at + 1);
    this.#consumed += at + 1;
    if (rest === "") this.#unread.shift();
    else this.#unread[0] = rest;
    return first.slice(0, at + 1);
  }

  get #isTakeable(): boolean {
    return this.#isOpened && !this.#isPaused && !this.#isHalted;
  }

  #pendingOf(of: Pending["of"]): number {
    return this.#pending.filter((pending) => pending.of === of).length;
  }

  get #waiting(): number {
    return this.#asks.filter(({ isDone }) => !isDone).length;
  }

  /** A value was delivered: in order to a handler, in any to iterators, whose promises settle later. */
  #takeValue(value: string): void {
    const at = this.#values.indexOf(value);
    this.#expect(at >= 0, `${value} was delivered, but never decoded`);
    this.#expect(!this.#taken.has(at), `${value} was delivered twice`);
    this.#taken.add(at);
    this.#activeAt = this.#clock.now();
  }

  /** In the middle of a frame of several values. */
  get #isInside(): boolean {
    return !this.#isHalted && this.#taken.size < this.#values.length;
  }

  /** What would be delivered next, if it were welcome. */
  get #hasWhole(): boolean {
    if (this.#isInside) return true;
    const [first] = this.#unread;
    if (first === undefined) return false;
    return this.#boundary === "message" || first.includes("\n") || first.length >= MAX_FRAME;
  }

  get #hasUnread(): boolean {
    return this.#unread.length > 0 || this.#isInside;
  }

  /** Input is over, and nothing of ours is pending. */
  get #mayEnd(): boolean {
    return (
      this.#isEnded &&
      !this.#hasUnread &&
      this.#pending.length === 0 &&
      this.#holds.length === 0 &&
      !this.#iterators.some(({ isUnfinished }) => isUnfinished)
    );
  }

  /** What ends the connection was met. */
  #halt(by: CloseInfo["by"], reason?: unknown): void {
    this.#isHalted = true;
    this.#closedAt = Math.min(this.#closedAt, this.#clock.now());
    if (this.#by !== undefined) return;
    this.#by = by;
    this.#reason = reason;
  }

  #checkError(error: unknown): void {
    if (this.#bugs.includes(error) || error === this.#lostError) return;
    const { code } = error as ProtocolError;
    const isTimeout = code === "timeout";
    if (isTimeout) {
      const now = this.#clock.now();
      const limit = this.#limitOf((error as ProtocolError).message);
      if (limit !== undefined) {
        this.#expect(limit.now + this.#unsure >= limit.at, `${String(error)} is early`);
        this.#expect(limit.isRunning, `${String(error)}, although that limit does not run`);
        return;
      }
      const endAt = Math.max(this.#activeAt, this.#endedAt) + END_TIMEOUT;
      const closeAt = this.#closedAt + CLOSE_TIMEOUT;
      this.#expect(now >= Math.min(endAt, closeAt), `${String(error)} is early`);
      this.#expect(
        this.#closedAt !== Infinity || this.#pendingOf("end") === 0,
        "endTimeout ran while a promise of end was pending",
      );
      return;
    }
    if (code === "overflow") {
      const unread = this.#unread.join("").length + 300 * (this.#unread.length + 1);
      const unsent = this.#sent.length - this.#written.length + 1000;
      const isNear = unsent > MAX_QUEUED / 2 || unread + 500 * this.#holds.length > MAX_QUEUED / 2;
      this.#expect(isNear || this.#isFull, `${String(error)} is early`);
      return;
    }
    this.#expect(FAULTS.includes(code), `reported ${String(error)}`);
    const [first] = this.#unread;
    if (code === "malformed") this.#expect(this.#hasFault, "malformed for no reason");
    if (code === "truncated") {
      const isCut = first !== undefined && !first.includes("\n");
      this.#expect(
        isCut && (this.#isEnded || this.#boundary === "message"),
        "truncated for no reason",
      );
      this.#expect(
        this.#lostError === undefined || this.#boundary === "message",
        "truncated after a lost connection",
      );
    }
    if (code === "too-long") {
      const at = first?.indexOf("\n") ?? -1;
      const length = at < 0 ? (first?.length ?? 0) : at + 1;
      this.#expect(length >= MAX_FRAME, `too-long for ${length} bytes`);
    }
  }

  /** What passed of the time that the peer can help. */
  get #welcomedNow(): number {
    const since = this.#passingSince;
    return this.#welcomed + (since === Infinity ? 0 : this.#clock.now() - since);
  }

  /** The limits for the peer: since when each runs, until when, and what time it is for it. */
  get #limits() {
    const { firstMessageTimeout, frameTimeout, idleTimeout, sendTimeout } = PEER_LIMITS;
    const now = this.#welcomedNow;
    const isRead = !this.#isEnded && !this.#isHalted;
    const isFirst = this.#taken.size === 0;
    return {
      "no message": {
        now,
        at: this.#openedAt + firstMessageTimeout,
        isRunning: isRead && isFirst,
      },
      "a frame was": { now, at: this.#frameAt + frameTimeout, isRunning: isRead },
      "no byte": {
        now,
        at: Math.max(this.#openedAt, this.#byteAt) + idleTimeout,
        isRunning: isRead,
      },
      "the peer took": {
        now: this.#clock.now(),
        at: this.#takenAt + sendTimeout,
        isRunning: this.#takenAt !== Infinity && !this.#isLost,
      },
    };
  }

  #limitOf(message: string): { now: number; at: number; isRunning: boolean } | undefined {
    const found = Object.entries(this.#limits).find(([text]) => message.includes(text));
    return found?.[1];
  }

  /** Whether a message would be delivered, if one were whole. */
  get #isWelcome(): boolean {
    const hasTaker =
      this.#waiting > 0 ||
      (this.#hasMessage && this.#pendingOf("message") < this.#plan.concurrency);
    return this.#isTakeable && hasTaker;
  }

  /** Notes where limits begin, between two steps. */
  #stamp(): void {
    // After the peer's end ours begins by itself, though it may have to wait for room.
    if (this.#connection.state === "closing" && this.#soon.length === 0 && this.#mayEnd) {
      this.#closedAt = Math.min(this.#closedAt, this.#clock.now());
    }
    if (this.#connection.queued === 0) this.#takenAt = Infinity;
    else if (this.#takenAt === Infinity && this.#isOpened) this.#takenAt = this.#clock.now();
    const [first] = this.#unread;
    const isPartial = first !== undefined && !this.#hasWhole && this.#boundary === "stream";
    if (!isPartial) {
      if (first === undefined && !this.#isInside) [this.#frameAt, this.#frameKey] = [Infinity, -1];
    } else if (this.#isWelcome && this.#frameKey !== this.#consumed) {
      [this.#frameAt, this.#frameKey] = [this.#welcomedNow, this.#consumed];
    }
  }

  /** Whatever waited for longer than it may is over. */
  #checkLimits(): void {
    if (!this.#plan.isTimed) return;
    for (const [text, { now, at, isRunning }] of Object.entries(this.#limits)) {
      const isLate = now > at + PEER_LIMITS.frameTimeout / 4 + this.#unsure;
      this.#expect(!(isRunning && isLate), `no timeout: ${text}`);
    }
  }

  #checkWaits(): void {
    const isClosed = this.#closes.length > 0;
    for (const { of, at, state } of this.#waits) {
      if (of === "flushed") {
        const isOut = this.#written.length >= at;
        this.#expect(state !== "waits" || !isOut, "flushed() waits, though all is written");
        this.#expect(state !== "resolved" || isOut, "flushed() resolved too early");
        this.#expect(
          state !== "rejected" || isClosed || this.#isLost,
          "flushed() was rejected too early",
        );
      } else if (state === "waits") {
        this.#expect(this.#isDrainOwed, "ready() waits, though no drain is owed");
      }
      this.#expect(state !== "waits" || !isClosed, `${of}() waits after close`);
    }
  }

  #checkClose({ by, error }: CloseInfo): void {
    this.#expect(this.#inputEnds === 1, "close before the end of input was told");
    if (by === "error" && this.#by !== "error") {
      // What could not be sent is not a clean end.
      const { code } = error as ProtocolError;
      const isDropped = this.#sent !== this.#written || this.#isFull;
      this.#expect(
        (isDropped && ["closed", "timeout"].includes(code)) || this.#failures.includes(error),
        `closed by ${String(error)}, not by ${this.#by}`,
      );
      return;
    }
    if (by === "error") {
      const isTold = this.#errors.includes(error) || error === this.#reason;
      this.#expect(isTold, "close tells of an error that was not reported");
      return;
    }
    if (by === "local") {
      this.#expect(this.#by === "local" || this.#isEndedFirst, `closed by local, not ${this.#by}`);
      return;
    }
    this.#expect(this.#by !== "error" && (this.#isEnded || this.#isLost), `closed by peer`);
    this.#expect(this.#lostError === undefined, "an error of the transport was swallowed");
  }

  /** What holds between two steps. */
  #check(): void {
    if (this.#broken !== undefined) throw this.#broken;
    const connection = this.#connection;
    const { state, queued } = connection;
    const now = this.#clock.now();
    const isClosed = this.#closes.length > 0;
    this.#expect(
      isClosed === (state === "closed"),
      `${state}, closed ${this.#closes.length} times`,
    );
    this.#expect(queued >= 0, `${queued} queued`);
    this.#expect(this.#sent.startsWith(this.#written), "written is other than sent");
    this.#expect(this.#rejections <= 1, `${this.#rejections} iterators were rejected`);
    this.#checkWaits();
    this.#stamp();
    if (isClosed) {
      this.#expect(queued === 0, `${queued} queued after close`);
      this.#expect(this.#clock.waiting === 0, `${this.#clock.waiting} timers left`);
      this.#expect(this.#waiting === 0, `${this.#waiting} iterators wait after close`);
      if (this.#broken !== undefined) throw this.#broken;
      return;
    }
    this.#checkLimits();
    const isOver = this.#isHalted;
    this.#expect(!isOver || this.#waiting === 0, "an iterator waits after the end");
    this.#expect(now <= this.#closedAt + CLOSE_TIMEOUT + LATEST, "not closed within closeTimeout");
    if (this.#isEnded && !isOver && this.#pendingOf("end") === 0) {
      const latest = Math.max(this.#touchedAt, this.#endedAt) + END_TIMEOUT + LATEST;
      this.#expect(now <= latest, "not closed within endTimeout");
    }
    if (this.#isOpened && !this.#isLost && !this.#isFull) {
      this.#expect(queued === 0, `${queued} queued with room`);
      this.#expect(this.#written === this.#sent, "not all is written with room");
      // After the messages whose turn is to come.
      const isOwed = this.#isDrainOwed && state === "open" && !this.#isOurEnd;
      this.#expect(!isOwed || this.#soon.length > 0, "a drain is owed");
    }
    this.#expect(state !== "opening" || !this.#isOpened, "still opening");
    if (this.#soon.length > 0 || isOver || !this.#isOpened) {
      if (this.#broken !== undefined) throw this.#broken;
      return;
    }
    const isWelcome = this.#isWelcome;
    this.#expect(!isWelcome || !this.#hasWhole, "a message lies in an open connection");
    if (!this.#isEnded) {
      if (isWelcome) this.#expect(!this.#isSourcePaused, "the source is paused for no reason");
      // An iterator that leaves while a frame is not whole leaves the source alone: the next bytes pause it.
      else if (this.#hasWhole || this.#isPaused)
        this.#expect(this.#isSourcePaused, "the source is not paused");
    } else {
      this.#expect(!isWelcome || !this.#hasUnread, "a rest lies in an open connection");
      const isFinished = !this.#hasUnread;
      this.#expect(!isFinished || this.#inputEnds === 1, "the end of input was not told");
      this.#expect(!isFinished || this.#waiting === 0, "an iterator waits after the last message");
      if (isFinished && this.#hasEnd && this.#pendingOf("message") === 0) {
        this.#expect(this.#ends === 1 || this.#isLost, "end was not called");
      }
      if (this.#isLost) this.#expect(!isFinished, "not closed although all is lost");
      else if (this.#mayEnd && (!this.#hasEnd || this.#isOurEnd)) {
        this.#expect(this.#isSinkDone === "closed" || this.#isFull, "our side did not end");
      }
    }
    if (this.#broken !== undefined) throw this.#broken;
  }

  // ---- steps

  /** Takes the armed step of this place, if there is one; returns its promise. */
  #inside(place: Place): unknown {
    const at = this.#armed.findIndex(({ where }) => where === place);
    if (at < 0) return undefined;
    const { step } = this.#armed.splice(at, 1)[0]!;
    // The model has sent a frame that is still being encoded.
    if (place === "encode" && step.do === "flushed") return undefined;
    if (place === "encode" && step.do === "send") {
      const wasEncoding = this.#isEncoding;
      this.#isEncoding = true;
      this.#take(step);
      this.#isEncoding = wasEncoding;
      return undefined;
    }
    this.log.push(`  in ${place}:`);
    if (step.do === "promise") {
      if (["write", "encode", "input", "error"].includes(place) || isOfSink(place)) return;
      return new Promise<void>((resolve, reject) => {
        const of = place === "message" || place === "end" ? place : "other";
        this.#pending.push({ of, resolve, reject });
      });
    }
    if (step.do === "throw") {
      if (place === "input" || place === "error") return undefined;
      const error = new Error(`thrown in ${place}`);
      this.#bugs.push(error);
      if (place === "write" || isOfSink(place)) this.#failures.push(error);
      throw error;
    }
    if (isOfSink(place)) return undefined;
    this.#depth++;
    try {
      this.#take(step);
    } finally {
      this.#depth--;
    }
    return undefined;
  }

  #take(step: Step): void {
    if (this.#depth > 8) return;
    this.#depth++;
    this.log.push(`${"  ".repeat(this.#depth - 1)}${JSON.stringify(step)}`);
    try {
      this.#perform(step);
    } finally {
      this.#depth--;
    }
    if (step.do !== "pass") this.#touchedAt = this.#clock.now();
  }

  #perform(step: Step): void {
    const connection = this.#connection;
    switch (step.do) {
      case "bytes":
        this.#bytes(
          step.words.map((word) => word.replaceAll("#", () => `${this.#serial++}`)).join(""),
          step.cut,
        );
        break;
      case "many":
        this.#bytes(Array.from({ length: step.count }, () => `m${this.#serial++}\n`).join(""), 0);
        break;
      case "send":
      case "frame":
        this.#send(step.do, step.size);
        break;
      case "opened":
        if (this.#isOpened || this.#isLost || this.#isSinkDone !== undefined) break;
        this.#isOpened = true;
        this.#openedAt = this.#welcomedNow;
        connection.opened();
        break;
      case "ended":
        if (this.#isLost) break;
        if (!this.#isEnded) this.#endedAt = this.#clock.now();
        this.#isEnded = true;
        connection.ended();
        break;
      case "lost":
        this.#lose(step.isError);
        break;
      case "drained":
        this.#isFull = false;
        if (this.#isOpened) this.#takenAt = this.#clock.now();
        connection.drained();
        break;
      case "full":
        this.#isFull = true;
        break;
      case "pause":
        this.#isPaused = true;
        connection.pause();
        break;
      case "resume":
        this.#isPaused = false;
        connection.resume();
        break;
      case "end":
        if (this.#closes.length === 0 && !this.#isHalted && !this.#isOurEnd && !this.#isLost) {
          if (!this.#isEnded) this.#isEndedFirst = true;
          this.#isOurEnd = true;
          this.#isDrainOwed = false;
        }
        connection.end();
        break;
      case "close":
        this.#isDrainOwed = false;
        if (connection.state !== "closed") this.#halt("local");
        connection.close();
        break;
      case "abort": {
        const error = step.isError ? new Error("aborted") : undefined;
        if (connection.state !== "closed") {
          // An error is news also for a connection that was closing.
          if (error !== undefined && this.#by !== "error") this.#by = undefined;
          this.#halt(error === undefined ? "local" : "error", error);
        }
        connection.abort(error);
        this.#expect(connection.state === "closed", "not closed by abort");
        break;
      }
      case "detach":
        this.#detach();
        break;
      case "use":
        this.#use(step.many, step.message, step.end);
        break;
      case "next":
        this.#next(step.which);
        break;
      case "return":
        this.#return(step.which);
        break;
      case "hold":
        this.#holds.push(connection.hold(100));
        break;
      case "release":
        this.#holds.splice(step.which % Math.max(1, this.#holds.length), 1)[0]?.();
        break;
      case "settle":
        this.#settle(step.isRejected);
        break;
      case "pass":
        // Timers do not fire inside of a handler.
        this.#pass(step.ms);
        break;
      case "ready":
      case "flushed":
        this.#wait(step.do);
        break;
      case "turns":
        while (this.#soon.length > 0) this.#soon.shift()!();
        break;
      case "arm":
        this.#armed.push({ where: step.where, step: step.step });
        break;
    }
  }

  #pass(ms: number): void {
    if (this.#depth > 1 && ms >= 10) return;
    if (this.#depth > 1) this.#unsure += ms;
    else if (this.#isWelcome && !this.#isEnded && this.#soon.length === 0)
      this.#passingSince = this.#clock.now();
    this.#clock.advance(ms);
    if (this.#depth > 1) return;
    this.#welcomed = this.#welcomedNow;
    this.#passingSince = Infinity;
  }

  #wait(of: Wait["of"]): void {
    const wait: Wait = { of, at: this.#sent.length, state: "waits" };
    this.#waits.push(wait);
    this.#connection[of]().then(
      () => {
        wait.state = "resolved";
      },
      (error: unknown) => {
        wait.state = "rejected";
        this.#expect((error as ProtocolError).code === "closed", `${of}(): ${String(error)}`);
      },
    );
  }

  #bytes(all: string, cut: number): void {
    if (this.#isLost) return;
    const at = Math.min(cut, all.length);
    for (const part of at === 0 ? [all] : [all.slice(0, at), all.slice(at)]) {
      if (this.#isLost) return;
      const isTaken = !this.#isEnded && !this.#isHalted;
      if (isTaken) this.#byteAt = this.#welcomedNow;
      if (isTaken && part !== "") {
        if (this.#boundary === "message" || this.#unread.length === 0) this.#unread.push(part);
        else this.#unread[0] += part;
      }
      this.#connection.received(ascii(part));
    }
  }

  #send(how: "send" | "frame", size: number): void {
    const connection = this.#connection;
    // After the peer's end ours follows by itself, though what was sent may wait for room.
    const isEnding = this.#isEnded && connection.state === "closing";
    const isSending = !this.#isHalted && !this.#isOurEnd && !this.#isLost && !isEnding;
    // A last word may be sent while `error` runs; a short one, so that it is not written at once.
    if (!isSending && (size > 25 || this.#isEncoding)) return;
    const value = "s".repeat(size + 1);
    const frame = { text: `${value}\n` };
    const before = [connection.queued, this.#written.length] as const;
    if (isSending) this.#frames.push(frame);
    let roomy: boolean;
    try {
      roomy = how === "send" ? connection.send(value) : connection.sendFrame(ascii(frame.text));
    } catch (error) {
      // An armed step threw inside of the encoder.
      this.#expect((error as ProtocolError).code === "unencodable", `send threw ${String(error)}`);
      this.#frames.splice(this.#frames.indexOf(frame), 1);
      return;
    }
    const isClosed = connection.state === "closed";
    if (!isSending) {
      const isTaken = connection.queued > before[0] || this.#written.length > before[1];
      if (isTaken) this.#frames.push(frame);
      else this.#expect(!roomy, "send returned true after the end");
    } else if (!roomy && !isClosed) {
      this.#isDrainOwed = true;
    }
  }

  #lose(isError: boolean): void {
    if (this.#isLost) return;
    const error = isError ? new Error("reset") : undefined;
    this.#isLost = true;
    if (!this.#isEnded) this.#endedAt = this.#clock.now();
    this.#isEnded = true;
    this.#isDrainOwed = false;
    if (!this.#isHalted) this.#lostError = error;
    this.#connection.lost(error);
  }

  #detach(): void {
    const connection = this.#connection;
    const isInside = this.#isInside;
    const isFree = connection.queued === 0 && this.#written === this.#sent && this.#isOpened;
    const mayDetach = isFree && !this.#isHalted && !this.#isOurEnd && !this.#isLost && !isInside;
    try {
      const { unread } = connection.detach();
      this.#expect(latin1(unread) === this.#detached, "detach() lost bytes");
      this.#isLost = true;
      this.#unread = [];
    } catch (error) {
      this.#expect(error instanceof TypeError, `detach() threw ${String(error)}`);
      if (this.#depth === 1) this.#expect(!mayDetach, `detach() threw ${String(error)}`);
    }
  }

  #use(many: boolean, message: boolean, end: boolean): void {
    const before = [this.#many, this.#hasMessage, this.#hasEnd] as const;
    [this.#many, this.#hasMessage, this.#hasEnd] = [many, message, end];
    const isRefused = this.#isInside || (message && this.#waiting > 0);
    try {
      this.#connection.use(this.#protocol(many), this.#handlers(message, end));
      if (this.#depth === 1) this.#expect(!isRefused, "use() was not refused");
    } catch (error) {
      [this.#many, this.#hasMessage, this.#hasEnd] = before;
      if (this.#depth === 1) this.#expect(isRefused, `use() threw ${String(error)}`);
      this.#expect(error instanceof TypeError, `use() threw ${String(error)}`);
    }
  }

  #next(which: number): void {
    let asked = this.#iterators[which];
    if (asked === undefined) {
      try {
        asked = { iterator: this.#connection[Symbol.asyncIterator](), isUnfinished: false };
      } catch (error) {
        this.#expect(error instanceof TypeError && this.#hasMessage, "cannot be iterated");
        return;
      }
      which = this.#iterators.push(asked) - 1;
    }
    const of = asked;
    const ask: Ask = { iterator: which, isDone: false };
    this.#asks.push(ask);
    of.isUnfinished = true;
    of.iterator.next().then(
      ({ done, value }) => {
        ask.isDone = true;
        if (done) of.isUnfinished = false;
        else {
          const at = this.#values.indexOf(value);
          this.#expect(at > this.#lastTaken, `${value} came to an iterator too late`);
          this.#lastTaken = at;
          this.#takeValue(value);
        }
      },
      (error: unknown) => {
        ask.isDone = true;
        of.isUnfinished = false;
        if (error instanceof TypeError) {
          this.#expect(this.#hasMessage, "an iterator was refused");
          return;
        }
        this.#rejections++;
        const isKnown = this.#errors.includes(error) || error === this.#reason;
        const isDropped = ["timeout", "closed"].includes((error as ProtocolError).code);
        this.#expect(isKnown || isDropped, `an iterator got ${String(error)}`);
      },
    );
  }

  #return(which: number): void {
    const asked = this.#iterators[which];
    if (asked === undefined) return;
    // At once, as the connection takes it.
    asked.isUnfinished = false;
    void asked.iterator.return?.();
  }

  #settle(isRejected: boolean): void {
    const pending = this.#pending.shift();
    if (pending === undefined) return;
    if (isRejected) {
      const error = new Error(`rejected in ${pending.of}`);
      this.#bugs.push(error);
      pending.reject(error);
    } else {
      pending.resolve();
    }
  }
}

function isOfSink(place: Place): boolean {
  return place === "buffered" || place.startsWith("sink");
}
