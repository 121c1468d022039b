import {
  checkInteger,
  checkOptions,
  type Framing,
  type InvalidPolicy,
  measureFrame,
  newScan,
  type OwnScan,
  type PolicyStream,
  ProtocolError,
  rebased,
  resetScan,
  type Scan,
  TolerantSplitter,
} from "../core/index.ts";

/** Options for {@link skip} and {@link resync}. */
export interface PolicyOptions {
  /**
   * Maximum number of bytes skipped in a row; more end the stream with the error of the bad input, whose text names the limit.
   * @defaultValue 16 times `maxFrame`
   */
  readonly most?: number | undefined;
}

/** The common part of `skip` and `resync`: measuring, recovering, counting and reporting, for one stream. */
export interface Tolerance {
  /** True while the end of a bad frame is searched for. */
  readonly isLost: boolean;

  /**
   * Like `framing.measure`.
   * @throws ProtocolError if no frame can start with these bytes
   */
  measure(bytes: Uint8Array, start: number, end: number, scan: Scan): number;
  /** The length of the bad frame that `measure` threw an error for, if it is only too long; else 0. */
  tooLong(): number;

  /** Reports that bad input begins at `start`, unless it continues. */
  begin(error: ProtocolError, start: number): void;
  /** Counts skipped bytes, and returns their number. Throws the error of `begin` if there are too many. */
  count(length: number): number;
  /** Throws the error of `begin` if this many more bytes must not be skipped. */
  check(length: number): void;
  /**
   * Returns how many bytes to skip by `framing.recover`, and counts them. If `isLost` is true afterwards, the
   * next frame is not found yet.
   */
  recover(bytes: Uint8Array, start: number, end: number, ended: boolean): number;
  /** Skips this many bytes without looking for a frame in them. */
  giveUp(length: number): number;
  /** Reports the skipped bytes. */
  report(): void;
  /** Records that a good frame was found. */
  reset(): void;
  /** Ends the stream. */
  stop(error: ProtocolError): never;
  /** Throws the error that ended the stream. */
  checkAlive(): void;
}

/** Checks the options of a policy. */
export function checkPolicy(name: string, options: PolicyOptions): void {
  checkOptions(name, options, ["most"]);
  if (options.most !== undefined) checkInteger(`${name}: most`, options.most, 1);
}

/** Makes a policy, with the splitter for it. */
export function policy(made: Omit<InvalidPolicy, "splitter">): InvalidPolicy {
  return Object.freeze<InvalidPolicy>({
    ...made,
    splitter: (framing, options) => new TolerantSplitter(framing, options),
  });
}

export function tolerance(
  framing: Framing,
  stream: PolicyStream,
  options: PolicyOptions,
): Tolerance {
  const { maxFrame, layout } = framing;
  const tooLong = framing.tooLong?.bind(framing);
  const { most = 16 * maxFrame } = options;
  const scan = newScan();
  let isLost = false;
  let run: { readonly error: ProtocolError; readonly offset: number; length: number } | undefined;
  /** Bytes skipped since the last good frame. */
  let row = 0;
  let fatal: ProtocolError | undefined;

  let answer = 0;
  const asked: Framing = {
    maxFrame,
    layout,
    ...(tooLong && { tooLong }),
    measure(...args) {
      answer = 0;
      answer = framing.measure(...args);
      return answer;
    },
  };

  const stop = (error: ProtocolError): never => {
    fatal = error;
    throw error;
  };
  const check = (length: number): void => {
    if (row + length <= most) return;
    // The number that would be skipped depends on how the bytes are cut.
    const { code, message, offset, cause, path } = rebased(run!.error, -stream.offset(0));
    const text = `${message}; more bytes in a row are bad than \`most\` (${most}) allows: raise it to skip them`;
    stop(new ProtocolError(code, text, offset, { cause, path }));
  };
  const count = (length: number): number => {
    check(length);
    row += length;
    run!.length += length;
    return length;
  };

  return {
    get isLost() {
      return isLost;
    },
    measure: (bytes, start, end, own) => measureFrame(asked, bytes, start, end, own as OwnScan),
    tooLong: () => (Number.isSafeInteger(answer) && answer > maxFrame ? answer : 0),
    begin(error, start) {
      run ??= { error: rebased(error, stream.offset(0)), offset: stream.offset(start), length: 0 };
    },
    check,
    count,
    recover(bytes, start, end, ended) {
      const least = isLost ? 0 : 1;
      if (!isLost) resetScan(scan);
      scan.ended = ended;
      const found = framing.recover!(bytes, start, end, scan);
      const passed = found === -1 ? scan.at : found;
      if (!Number.isInteger(passed) || passed < least || passed > end - start) {
        const text = `recover skips ${String(passed)} of ${end - start} bytes`;
        return stop(new ProtocolError("malformed", text, start));
      }
      isLost = found === -1;
      scan.at = 0;
      return count(passed);
    },
    giveUp(length) {
      isLost = false;
      return count(length);
    },
    report() {
      const done = run;
      run = undefined;
      if (done !== undefined) stream.skipped(done);
    },
    reset() {
      row = 0;
    },
    stop,
    checkAlive() {
      if (fatal !== undefined) throw fatal;
    },
  };
}
