import { AsyncQueue } from "../async-queue.ts";
import type { Clock } from "../clock.ts";
import type { ProtocolError } from "../errors.ts";
import type { InvalidPolicy, Skipped } from "../invalid.ts";
import { newSplitter, type OwnSplitter } from "../own-splitter.ts";
import type { MessageProtocol, Protocol } from "../protocol.ts";
import { checkValues, isThenable } from "../thenable.ts";
import { type ChunkText, chunkTextFor } from "./chunk-text.ts";
import { MessageReader } from "./message-reader.ts";
import { type Turns, type TurnTaker, turnsOf } from "./turns.ts";
import { costOf } from "./value-cost.ts";

/**
 * The state of input, which only moves forward.
 *
 * ```text
 *                ended(), lost()              nothing whole is left
 *   reading ---------------------> draining -----------------------> finished
 *      |                               |
 *      +---- close(), abort(), a fault-+----------------------------> halted
 * ```
 *
 * | state | received bytes | messages |
 * |---|---|---|
 * | `reading` | are kept | are delivered unless the gate is closed |
 * | `draining` | are ignored | are delivered unless the gate is closed |
 * | `finished` | are ignored | all were delivered |
 * | `halted` | are ignored | no further one is delivered |
 */
export type InputState = "reading" | "draining" | "finished" | "halted";

/** The part of a connection that input needs. */
export interface InputOwner<Out> {
  /** The `message` handler, called with the connection; undefined if the connection is iterated. */
  readonly message: ((connection: never, value: Out) => unknown) | undefined;
  /** The connection that is passed to handlers. */
  readonly connection: never;
  /** Calls `pump`, and handles the changes. */
  pump(): void;
  /** Reports skipped input. */
  skipped(skipped: Skipped): void;
  /** Reports that the peer violated the protocol. */
  faulty(error: ProtocolError): void;
  /** Reports the error of a handler. */
  handlerFailed(error: unknown): void;
  /** Reports the rejected promise of a handler. */
  rejected(error: unknown): void;
  /** Reports that input is finished; `isIterated`: an iterator received the reason. */
  finished(isIterated: boolean): void;
  /** Reports a change for which the end of the connection may have waited. */
  settled(): void;
  /** A message was delivered. */
  delivered(): void;
  pauseSource(): void;
  resumeSource(): void;
}

// Bits of #gate: the reasons not to deliver messages.
const PAUSED = 1;
const BUSY = 2;
const TURN = 4;
const NO_ONE = 8;
const OVER = 16;
const SWITCHED = 32;
const WAITING = 64;
/** All except SWITCHED: the peer has to wait. */
const UNWELCOME = 0b101_1111;

// The clock is checked after this many messages at first, and at most.
const ASK_FIRST = 8;
const ASK_EVERY = 64;
// Handlers count as slow if they were slow this often in a row: once may be a pause of the machine.
const SLOW = 2;
// Bytes that a transport reads at a time if more are available.
const MUCH = 65_536;

const NONE: readonly never[] = [];

/** Options for the delivery of input. */
export interface IncomingOptions {
  readonly clock: Clock;
  readonly turn: number;
  readonly concurrency: number;
  readonly onInvalid: InvalidPolicy | undefined;
  /** Called for each message, before it is delivered. */
  readonly traced: ((value: unknown, size: number) => void) | undefined;
}

/**
 * The input of a connection: takes chunks, and delivers messages to a handler or to iterators, in order and
 * in turns.
 */
export class Incoming<Out> implements TurnTaker {
  state: InputState = "reading";
  /** The reason why the connection was lost, for iterators once every complete message is delivered. */
  lostError: { readonly error: unknown } | undefined;

  readonly #owner: InputOwner<Out>;
  readonly #clock: Clock;
  readonly #turns: Turns;
  /** Milliseconds of a turn. */
  readonly turn: number;
  readonly #concurrency: number;
  readonly #traced: IncomingOptions["traced"];
  readonly #reader: OwnSplitter | MessageReader;
  /** True if bad input is skipped. */
  readonly #isTolerant: boolean;
  #protocol: MessageProtocol<never, Out>;
  readonly #isStream: boolean;
  /** The text path, if the protocol has one. */
  #text: ChunkText | undefined;
  /** The queue of iterators, once there is one. */
  #queue: AsyncQueue<Out> | undefined;
  /** How input ended, for iterators: with an error, or without. */
  #outcome: { readonly error: unknown } | "ended" | undefined;

  /** The remaining values of a frame that holds several, and their cost. */
  #values: readonly Out[] = NONE;
  #value = 0;
  #frameCost = 0;
  /** Memory cost of those values, once it was computed. */
  #valueCost: number | undefined;

  #gate = WAITING;
  #isPumping = false;
  /** True if the reader was finished. */
  #isReaderEnded = false;
  /** Promises of `message` that are pending, and what is called when one settles. */
  #pending = 0;
  #fulfilled: (() => void) | undefined;
  #rejected: ((error: unknown) => void) | undefined;

  // The turn.
  #isIdle = true;
  #turnStart = 0;
  /** Messages delivered before it. */
  #turnFirst = 0;
  /** Time at which the deliveries of this connection in this round of the event loop may have begun. */
  #roundStart = -Infinity;
  #roundFirst = 0;
  /** Bytes received since then. */
  #roundBytes = 0;
  /** The source is paused until the next round, although messages could be delivered. */
  #isResting = false;
  #delivered = 0;
  /** The clock is checked after this many deliveries: fewer if they take longer. */
  #askAt = ASK_FIRST;
  #askEvery = ASK_FIRST;
  #askedAt = 0;
  /** How often in a row handlers were slow. */
  #slow = 0;

  constructor(
    owner: InputOwner<Out>,
    protocol: MessageProtocol<never, Out>,
    boundary: "stream" | "message",
    options: IncomingOptions,
  ) {
    this.#owner = owner;
    this.#protocol = protocol;
    this.#clock = options.clock;
    this.#turns = turnsOf(options.clock);
    this.turn = options.turn;
    if (this.turn === Infinity) this.#askAt = Infinity;
    this.#concurrency = options.concurrency;
    this.#traced = options.traced;
    const { onInvalid } = options;
    this.#isTolerant = onInvalid !== undefined;
    const invalid = this.#isTolerant
      ? { onInvalid, skipped: (skipped: Skipped) => owner.skipped(skipped) }
      : undefined;
    this.#isStream = boundary === "stream";
    this.#text = this.#isStream ? chunkTextFor(protocol) : undefined;
    this.#reader =
      boundary === "message"
        ? new MessageReader(protocol, invalid)
        : newSplitter(protocol as Protocol<never, Out>, invalid);
    this.#regate();
  }

  /** Number of messages delivered. */
  get delivered(): number {
    return this.#delivered;
  }

  /** True if no further message is delivered. */
  get isOver(): boolean {
    return this.state === "halted" || this.state === "finished";
  }

  /** True if the next message would be delivered. */
  get isWelcome(): boolean {
    return (this.#gate & UNWELCOME) === 0;
  }

  /** True if the next message waits only for the next turn. */
  get isTurnOver(): boolean {
    return (this.#gate & UNWELCOME) === TURN;
  }

  /** The next message waits for the next turn, whatever else it waits for. */
  get hasTurnAhead(): boolean {
    return (this.#gate & (TURN | OVER)) === TURN;
  }

  /** Promises of `message` that are pending. */
  get pending(): number {
    return this.#pending;
  }

  /** True while a `next()` of an iterator waits. */
  get isAwaited(): boolean {
    return this.#queue?.isAwaited === true;
  }

  /** True while an iterator has not reported that it is done. */
  get isIterated(): boolean {
    return this.#queue?.isIterated === true;
  }

  /** True in the middle of a frame of several values. */
  get isInsideFrame(): boolean {
    return this.#value < this.#values.length;
  }

  /** Memory cost of undelivered input. */
  get held(): number {
    return this.#reader.held + (this.isInsideFrame ? this.#frameCost : 0);
  }

  /**
   * Other memory that input holds, for the budget of a server: undelivered values of the current frame, and
   * the slab in which a frame is assembled from pieces.
   */
  get extraCost(): number {
    const { spare } = this.#reader;
    if (!this.isInsideFrame) return spare;
    this.#valueCost ??= costOf(this.#values);
    return spare + this.#valueCost;
  }

  /** True if input waits for promises of `message`. */
  get isStuck(): boolean {
    return (
      (this.#gate & BUSY) !== 0 &&
      this.#gate === (this.#gate & (BUSY | SWITCHED)) &&
      this.unread > 0
    );
  }

  /** Number of undelivered bytes. */
  get unread(): number {
    return this.#reader.pending;
  }

  /** Position in the stream of the first incomplete frame, once every complete one is delivered. */
  get partial(): number | undefined {
    return this.#isIdle && this.#reader.pending > 0 ? this.#reader.offset : undefined;
  }

  /** Called when the connection is open: nothing is delivered before. */
  opened(): void {
    this.#gate &= ~WAITING;
  }

  /** Takes bytes; they are delivered by `pump`. */
  push(bytes: Uint8Array): void {
    this.#roundBytes += bytes.length;
    if (this.isWelcome) this.#reader.push(bytes);
    else this.#reader.keep(bytes);
  }

  /** Called when no bytes follow. */
  drain(): void {
    this.state = "draining";
  }

  /** Stops delivery. */
  halt(failure?: { readonly error: unknown }): void {
    this.#letGo();
    if (this.state === "finished") return;
    this.state = "halted";
    this.#endQueue(failure);
  }

  #endQueue(failure: { readonly error: unknown } | undefined): void {
    if (failure === undefined) {
      this.#outcome ??= "ended";
      this.#queue?.end();
    } else {
      this.#outcome = failure;
      this.#queue?.fail(failure.error);
    }
  }

  /** A connection that is over does not keep unread input in memory. */
  #letGo(): void {
    this.#gate |= OVER;
    this.#turns.leave(this);
    this.#values = NONE;
    this.#text?.clear();
    this.#reader.clear();
  }

  pause(): void {
    this.#gate |= PAUSED;
  }

  resume(): void {
    this.#gate &= ~PAUSED;
  }

  /** Changes the protocol from the next frame on; the message handler may be another one, too. */
  use(protocol: MessageProtocol<never, Out>): void {
    this.#protocol = protocol;
    this.#text = this.#isStream ? chunkTextFor(protocol) : undefined;
    this.#reader.use(protocol as Protocol<never, Out>);
    this.#gate |= SWITCHED;
    this.#regate();
  }

  /** Hands over all unread bytes. */
  rest(): Uint8Array {
    return this.#reader.rest();
  }

  iterate(asked: () => void): AsyncIterableIterator<Out, undefined> {
    if (this.#queue === undefined) {
      this.#queue = new AsyncQueue();
      if (this.#outcome === "ended") this.#queue.end();
      else if (this.#outcome !== undefined) this.#queue.fail(this.#outcome.error);
    }
    return this.#queue.iterate(
      () => {
        this.#regate();
        asked();
      },
      () => {
        this.#regate();
        this.#owner.settled();
      },
    );
  }

  /** Records the time of the first delivery of a turn. */
  begin(now: number): void {
    if (!this.#isIdle) return;
    this.#startTurn(now);
    // Chunks that arrive shortly after each other may belong to one round.
    if (now - this.#roundStart < this.turn || this.#turns.isOngoing(this.#roundStart)) return;
    this.#startRound(now);
  }

  #startTurn(now: number): void {
    this.#turnStart = now;
    this.#turnFirst = this.#delivered;
  }

  #startRound(now: number): void {
    this.#roundStart = now;
    this.#roundFirst = this.#delivered;
    this.#roundBytes = 0;
    this.#askedAt = now;
  }

  #regate(): void {
    let gate = this.#gate & ~(NO_ONE | BUSY);
    if (!this.isAwaited) {
      if (this.#owner.message === undefined) gate |= NO_ONE;
      else if (this.#pending >= this.#concurrency) gate |= BUSY;
    }
    this.#gate = gate;
  }

  /** Delivers complete messages while the gate is open. A nested call leaves the work to the outer one. */
  pump(): void {
    if (this.#isPumping || this.isOver) return;
    this.#isPumping = true;
    let isDry = false;
    try {
      isDry = this.#deliverAll();
    } catch (error) {
      this.#owner.faulty(error as ProtocolError);
    } finally {
      this.#isPumping = false;
    }
    if (isDry) this.#text?.clear();
    const hasUnread = !isDry && (this.isInsideFrame || this.#reader.pending > 0);
    this.#isIdle = !hasUnread;
    if (this.state === "draining" && !hasUnread && (this.#gate & WAITING) === 0) this.#finish();
    // Waiting input keeps no more memory alive than it needs.
    if (this.isInsideFrame) this.#dropDelivered();
    else if (!isDry) this.#reader.compact();
    if (this.#isResting || (!this.isWelcome && hasUnread)) this.#owner.pauseSource();
    else if (this.isWelcome && isDry) this.#owner.resumeSource();
  }

  /** Releases the delivered values of a frame once they are half of it, so each is moved about once. */
  #dropDelivered(): void {
    if (2 * this.#value < this.#values.length) return;
    this.#values = this.#values.slice(this.#value);
    this.#value = 0;
    this.#valueCost = undefined;
  }

  /** Returns true if no complete frame is left, false if the gate is closed. */
  #deliverAll(): boolean {
    for (;;) {
      this.#gate &= ~SWITCHED;
      if (this.#gate !== 0) return false;
      if (this.#value < this.#values.length) {
        this.#next();
        continue;
      }
      const { message } = this.#owner;
      const isDry =
        message !== undefined && this.#protocol.decodeMany === undefined
          ? this.#stream(message as (connection: unknown, value: Out) => unknown)
          : this.#one();
      if (!isDry) continue;
      if (this.state !== "draining" || this.#isReaderEnded) return true;
      // The framing may accept the rest as a frame, now that nothing follows; otherwise it is truncated.
      this.#isReaderEnded = true;
      if (this.lostError === undefined) this.#reader.finish();
    }
  }

  /**
   * The usual path: one frame, one value, one call of the handler, with as little as possible in between.
   *
   * @returns true if no complete frame is left
   */
  #stream(message: (connection: unknown, value: Out) => unknown): boolean {
    const reader = this.#reader;
    const protocol = this.#protocol;
    const { connection } = this.#owner;
    const text = this.#text;
    const traced = this.#traced;
    // The current step, for the catch below: 0 finding a frame, 1 decoding it, 2 delivering its value.
    let step = 0;
    try {
      while (this.#gate === 0) {
        step = 0;
        if (!reader.next()) return true;
        step = 1;
        const value =
          text === undefined
            ? protocol.decode(reader.bytes, reader.start, reader.end)
            : text.decode(protocol, reader as OwnSplitter);
        if (this.#isTolerant) reader.accept();
        step = 2;
        if (traced !== undefined) traced(value, reader.end - reader.start);
        const result = message(connection, value);
        if (typeof result === "object" && result !== null) this.#await(result);
        if (++this.#delivered >= this.#askAt) this.#checkTurn();
      }
    } catch (error) {
      if (step === 0) throw error;
      if (step === 1) {
        this.#reader.reject(error);
      } else {
        this.#delivered++;
        this.#owner.handlerFailed(error);
      }
    } finally {
      if (this.#delivered > 0) this.#owner.delivered();
    }
    return false;
  }

  /** One frame, for iterators and for frames of several values. Returns true if there is none. */
  #one(): boolean {
    const reader = this.#reader;
    const protocol = this.#protocol;
    if (!reader.next()) return true;
    try {
      const { bytes, start, end } = reader;
      this.#values =
        protocol.decodeMany === undefined
          ? [protocol.decode(bytes, start, end)]
          : checkValues(protocol.decodeMany(bytes, start, end));
    } catch (error) {
      this.#reader.reject(error);
      return false;
    }
    if (this.#isTolerant) reader.accept();
    this.#value = 0;
    this.#valueCost = undefined;
    this.#frameCost = reader.end - reader.start;
    return false;
  }

  /** Skips a frame that is not complete in time. Returns false if bad input is not skipped. */
  giveUp(error: ProtocolError): boolean {
    try {
      this.#reader.reject(error);
    } catch {
      return false;
    }
    return true;
  }

  /** Delivers the next value of the current frame. */
  #next(): void {
    const value = this.#values[this.#value++]!;
    if (this.#value === this.#values.length) this.#values = NONE;
    this.#delivered++;
    this.#owner.delivered();
    this.#traced?.(value, this.#frameCost);
    const { message, connection } = this.#owner;
    if (this.#queue?.isAwaited) {
      this.#queue.push(value);
      this.#regate();
    } else {
      try {
        const result = (message as (connection: unknown, value: Out) => unknown)(connection, value);
        if (typeof result === "object" && result !== null) this.#await(result);
      } catch (error) {
        this.#owner.handlerFailed(error);
      }
    }
    if (this.#delivered >= this.#askAt) this.#checkTurn();
  }

  /** Tracks a handler's promise: at most `concurrency` of them are pending. */
  #await(result: object): void {
    if (!isThenable(result)) return;
    this.#pending++;
    this.#regate();
    this.#fulfilled ??= () => this.#settled();
    this.#rejected ??= (error) => this.#settled({ error });
    Promise.resolve(result).then(this.#fulfilled, this.#rejected);
  }

  #settled(failure?: { readonly error: unknown }): void {
    this.#pending--;
    this.#regate();
    if (failure !== undefined) this.#owner.rejected(failure.error);
    this.#owner.pump();
    this.#owner.settled();
  }

  /**
   * Checks whether the time for one turn is over: the rest is then delivered after other connections had
   * their turn.
   */
  #checkTurn(): void {
    const { turn } = this;
    const now = this.#clock.now();
    const took = now - this.#askedAt;
    this.#slow = took * ASK_EVERY > this.#askEvery * (turn / 8) ? this.#slow + 1 : 0;
    if (took > turn / 8) this.#askEvery = Math.ceil(this.#askEvery / 2);
    else if (took < turn / 16) this.#askEvery = Math.min(ASK_EVERY, 2 * this.#askEvery);
    this.#askedAt = now;
    this.#askAt = this.#delivered + this.#askEvery;
    if ((this.#gate & (TURN | OVER)) !== 0) return;
    // Not all the time since the round began: most of it may have been idle.
    const share = (this.#delivered - this.#roundFirst) / (this.#delivered - this.#turnFirst);
    const used = (now - this.#turnStart) * share;
    const isRoundOver = this.#turns.isOver(now, now - used, turn);
    if (now - this.#turnStart >= turn || (isRoundOver && this.#slow >= SLOW)) {
      this.#gate |= TURN;
      this.#turns.wait(this);
    } else if (isRoundOver && !this.#isResting && this.#roundBytes >= MUCH) {
      // The available input is delivered soon: read no more in this round, however fast it arrives.
      this.#isResting = true;
      this.#turns.wait(this);
    }
  }

  goOn(now: number): void {
    this.#gate &= ~TURN;
    this.#isResting = false;
    this.#startTurn(now);
    this.#startRound(now);
    this.#owner.pump();
  }

  /** Called when no complete frame is left and nothing follows. */
  #finish(): void {
    this.state = "finished";
    this.#letGo();
    const { isIterated } = this;
    this.#endQueue(this.lostError);
    this.#owner.finished(isIterated);
  }
}
