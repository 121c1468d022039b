/*
 * Optional and faster features of the runtime, looked up once. This is the only file of the core that uses
 * globalThis: everything else is plain ES2022 and runs without any of this (QuickJS, WeChat, Cocos).
 */

interface Decoder {
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  decode(bytes: Uint8Array): string;
}

interface Encoder {
  encodeInto(text: string, into: Uint8Array): { readonly written: number };
}

interface AbortSource {
  readonly signal: {
    readonly aborted: boolean;
    readonly reason?: unknown;
    addEventListener(type: "abort", listener: () => void): void;
    removeEventListener(type: "abort", listener: () => void): void;
  };
  abort(reason: unknown): void;
}

interface Checks {
  readonly isAscii?: (bytes: Uint8Array) => boolean;
  readonly isUtf8?: (bytes: Uint8Array) => boolean;
}

interface Host {
  readonly TextDecoder?: new (label: string, options: object) => Decoder;
  readonly TextEncoder?: new () => Encoder;
  readonly performance?: { now(): number };
  readonly queueMicrotask?: (run: () => void) => void;
  readonly setTimeout?: (run: () => void, ms: number) => unknown;
  readonly clearTimeout?: (timer: unknown) => void;
  readonly setImmediate?: (run: () => void) => unknown;
  readonly MessageChannel?: new () => {
    readonly port1: { onmessage: (() => void) | null };
    readonly port2: { postMessage(value: unknown): void };
  };
  readonly console?: { error(text: string): void };
  readonly AbortController?: new () => AbortSource;
  readonly document?: object;
  readonly WorkerGlobalScope?: unknown;
  readonly process?: {
    readonly env?: Readonly<Record<string, string | undefined>>;
    readonly getBuiltinModule?: (name: string) => unknown;
  };
  readonly Buffer?: {
    byteLength(text: string): number;
    readonly prototype: {
      indexOf(this: Uint8Array, value: number, from: number): number;
      lastIndexOf(this: Uint8Array, value: number): number;
      readonly utf8Slice?: (this: Uint8Array, start: number, end: number) => string;
      readonly latin1Slice?: (this: Uint8Array, start: number, end: number) => string;
      readonly utf8Write?: (this: Uint8Array, text: string, at: number) => number;
    };
  };
}

const host = globalThis as Host;

/**
 * Calls of it are marked as free of side effects, so that bundlers drop those that a program does not use.
 */
const look = <T>(find: () => T): T => find();

/** Strict UTF-8 to text; a byte order mark stays, as U+FEFF. */
export const decoder: Decoder | undefined = /* @__PURE__ */ look(() => {
  try {
    const strict = new host.TextDecoder!("utf-8", { fatal: true, ignoreBOM: true });
    return strict.fatal && strict.ignoreBOM ? strict : undefined;
  } catch {
    // There is none, or it refuses these options.
    return undefined;
  }
});

/** Text to UTF-8; lone surrogates must have been refused before. */
export const encoder: Encoder | undefined = /* @__PURE__ */ look(() => {
  const some = host.TextEncoder && new host.TextEncoder();
  // Older runtimes can only encode into fresh memory.
  return some?.encodeInto && some;
});

/**
 * Node's own conversion from UTF-8 to text, which takes offsets: half the cost of a view and a TextDecoder.
 * It is not strict: it replaces invalid bytes by U+FFFD.
 */
export const sliceUtf8: ((bytes: Uint8Array, start: number, end: number) => string) | undefined =
  /* @__PURE__ */ look(() => {
    const native = host.Buffer?.prototype.utf8Slice;
    return native && ((bytes, start, end) => native.call(bytes, start, end));
  });

/** Node's own conversion from Latin-1 to text, which takes offsets. */
export const sliceLatin1: ((bytes: Uint8Array, start: number, end: number) => string) | undefined =
  /* @__PURE__ */ look(() => {
    const native = host.Buffer?.prototype.latin1Slice;
    return native && ((bytes, start, end) => native.call(bytes, start, end));
  });

/** Node's own checks of a whole chunk (20.16 and later). */
const checks: Checks | undefined = /* @__PURE__ */ look(() => {
  try {
    return host.process?.getBuiltinModule?.("buffer") as Checks | undefined;
  } catch {
    return undefined;
  }
});

/** The text of a chunk if all bytes from `start` on are ASCII: a character for each byte, from the first of the chunk. */
export const asciiText: ((bytes: Uint8Array, start: number) => string | undefined) | undefined =
  /* @__PURE__ */ look(() => {
    const isAscii = checks?.isAscii;
    if (isAscii === undefined || sliceLatin1 === undefined) return undefined;
    return (bytes, start) =>
      isAscii(start === 0 ? bytes : bytes.subarray(start))
        ? sliceLatin1(bytes, 0, bytes.length)
        : undefined;
  });

/** The text from `start` up to the last byte `ending` of a chunk, if that is UTF-8. */
export const utf8Text:
  | ((bytes: Uint8Array, start: number, ending: number) => string | undefined)
  | undefined = /* @__PURE__ */ look(() => {
  const isUtf8 = checks?.isUtf8;
  const native = host.Buffer?.prototype;
  if (isUtf8 === undefined || native?.utf8Slice === undefined) return undefined;
  return (bytes, start, ending) => {
    const end = native.lastIndexOf.call(bytes, ending) + 1;
    if (end <= start || !isUtf8(bytes.subarray(start, end))) return undefined;
    return native.utf8Slice!.call(bytes, start, end);
  };
});

/** The number of bytes of well-formed text as UTF-8. */
export const utf8Length: (text: string) => number = /* @__PURE__ */ look(() => {
  const native = host.Buffer;
  if (native !== undefined) return (text) => native.byteLength(text);
  return (text) => {
    let length = text.length;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      // Each half of a pair has two of its four bytes.
      if (unit > 0x7f) length += unit > 0x7ff && (unit & 0xf800) !== 0xd800 ? 2 : 1;
    }
    return length;
  };
});

/**
 * Node's own conversion from text to UTF-8; returns the number of bytes written. It writes U+FFFD for a lone
 * surrogate.
 */
export const writeUtf8: ((text: string, into: Uint8Array, at: number) => number) | undefined =
  /* @__PURE__ */ look(() => {
    const native = host.Buffer?.prototype.utf8Write;
    return native && ((text, into, at) => native.call(into, text, at));
  });

/**
 * Index of `byte` in all of `bytes`, from `from` on, or -1. Node's own search is vectorised and works on any
 * Uint8Array (40 times faster than a loop, where V8's is about 4 times faster).
 */
export const searchByte: (bytes: Uint8Array, byte: number, from: number) => number =
  /* @__PURE__ */ look(() => {
    const native = host.Buffer?.prototype.indexOf;
    if (native === undefined) return (bytes, byte, from) => bytes.indexOf(byte, from);
    return (bytes, byte, from) => native.call(bytes, byte, from);
  });

/** True if the string has no lone surrogate. ES2024, so not available everywhere. */
export const isWellFormed: ((text: string) => boolean) | undefined = /* @__PURE__ */ look(() =>
  "isWellFormed" in String.prototype
    ? (text) => (text as unknown as { isWellFormed(): boolean }).isWellFormed()
    : undefined,
);

/** Throws `error` outside of any caller, so that the runtime reports it as uncaught. */
export function throwUncaught(error: unknown): void {
  const thrower = (): never => {
    throw error;
  };
  if (host.queueMicrotask) host.queueMicrotask(thrower);
  else void Promise.resolve().then(thrower);
}

/** The runtime's AbortController, if it has one. */
export const abortController: (new () => AbortSource) | undefined = /* @__PURE__ */ look(
  () => host.AbortController,
);

/**
 * True if released memory is overwritten, so that tests detect a view that was kept too long: run them with
 * `FRAMEWRIGHT_POISON=1`.
 */
export const isPoisoning: boolean = /* @__PURE__ */ look(() => {
  try {
    return host.process?.env?.FRAMEWRIGHT_POISON === "1";
  } catch {
    // Deno, if the program may not read its environment.
    return false;
  }
});

/** True in pages and their workers, where a content security policy may report attempts to generate code. */
export const reportsEval = (): boolean =>
  host.document !== undefined ||
  (host.WorkerGlobalScope !== undefined && host.process === undefined);

/** Prints a line on the console, if the runtime has one. */
export function printError(text: string): void {
  host.console?.error(text);
}

/** Runs a function after other pending work, if the runtime can. */
export const soon: ((run: () => void) => void) | undefined = /* @__PURE__ */ look(() => {
  const { setImmediate, setTimeout, MessageChannel } = host;
  if (setImmediate) return (run) => void setImmediate(run);
  // Timers of browsers wait 4 ms once they are nested.
  if (MessageChannel) {
    const waiting: (() => void)[] = [];
    let channel: InstanceType<typeof MessageChannel> | undefined;
    return (run) => {
      if (channel === undefined) {
        channel = new MessageChannel();
        channel.port1.onmessage = () => waiting.shift()?.();
      }
      waiting.push(run);
      channel.port2.postMessage(0);
    };
  }
  return setTimeout && ((run) => void setTimeout(run, 0));
});

/** A monotonic clock in milliseconds, if the runtime has one. */
export const now: () => number = /* @__PURE__ */ look(() => {
  const { performance } = host;
  return performance ? () => performance.now() : () => Date.now();
});

interface Timers {
  readonly set: (run: () => void, ms: number) => unknown;
  readonly clear: (timer: unknown) => void;
}

/** The runtime's timers, if it has any. */
export const timers: Timers | undefined = /* @__PURE__ */ look(() => {
  const { setTimeout, clearTimeout } = host;
  return setTimeout && clearTimeout ? { set: setTimeout, clear: clearTimeout } : undefined;
});

/** A variable of the environment; undefined if there is none, or if it may not be read. */
export function variable(name: string): string | undefined {
  try {
    return host.process?.env?.[name];
  } catch {
    return undefined;
  }
}

/** A channel of Node's `diagnostics_channel`. */
export interface DiagnosticsChannel {
  readonly hasSubscribers: boolean;
  publish(message: unknown): void;
}

/** A diagnostics channel, if the runtime has them. */
export function diagnosticsChannel(name: string): DiagnosticsChannel | undefined {
  try {
    const found = host.process?.getBuiltinModule?.("diagnostics_channel") as
      | { channel(name: string): DiagnosticsChannel }
      | undefined;
    return found?.channel(name);
  } catch {
    return undefined;
  }
}
