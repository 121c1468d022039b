import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

// All that a connection has to answer, case by case, and the tests of each. A case without a test fails, and so does
// one whose test has got another name.

const TABLE = "unit/core/connection-table";
const CONNECTION = "unit/core/connection";
const EDGES = "unit/core/connection-edges";
const TRUST = "unit/core/connection-trust";
const TURNS = "unit/core/turns";
const SESSIONS = "unit/protocols/sessions";
const SERVER = "node/server-limits";

type Place = readonly [file: string, ...names: string[]];

const ROWS: Readonly<Record<string, Readonly<Record<string, readonly Place[]>>>> = {
  "two machines": {
    "states of output, input and the whole": [
      [TABLE, "is opening while output waits, open while either side is"],
      ["laws/connection-model", "behaves as its model under any calls in any order"],
    ],
    "lost: output is closed at once, input drains, then error, close and closed": [
      [TABLE, "sends nothing from then on, and delivers what came whole before it ends"],
      [CONNECTION, "waits no longer than endTimeout for a reader after the connection was lost"],
    ],
    "a fault of the peer is met in order": [
      [CONNECTION, "delivers complete frames before a bad one, and nothing after it"],
    ],
    "a message is welcome if someone takes it": [
      [TABLE, "hold back the new handler and the end, but no iterator"],
      [TRUST, "may run several times at once, if concurrency allows it"],
    ],
    "the source is paused if none is welcome": [
      [TABLE, "is paused when bytes come and no message is welcome, not between two messages"],
      [TRUST, "ends after its time: the rest is delivered in a later one, in order"],
    ],
    "a turn is kept across promises and next()": [
      [TABLE, "is kept across promises of handlers", "is kept across next()"],
      [TURNS, "asks the clock once in 64 messages if they take no time"],
    ],
    "soon, after(0), or a microtask": [
      [TABLE, "is followed by after(0) if the clock has no soon"],
      [TABLE, "comes to a manual clock without an advance of time"],
      [TURNS, "has the length of the option, and no end at 0"],
    ],
    "onInputEnd: any number, once, before end, without waiting": [
      [TABLE, "runs without waiting for promises, and synchronously when input is halted"],
      [TABLE, "is no end handler: our side ends as without it"],
      [TRUST, "onInputEnd runs once, after the last message and before the end handler"],
    ],
    "hold counts and holds our side open, and no message back": [
      [TABLE, "holds back no message, and refuses a cost that is not a number"],
      [TABLE, "counts into maxQueued together with what is unread"],
      [TRUST, "hold keeps our side open after the peer's end, and counts into the limit"],
      [EDGES, "leaves the server's budget as soon as it is released, once"],
    ],
    "requests end with the input": [
      [TABLE, "keeps requests until what came whole was handed out, then rejects them"],
      [SESSIONS, "receives an answer that arrived before the peer's end"],
    ],
    "calls run beside answers, bounded": [
      [SESSIONS, "receives its answer before waiting calls and pushes"],
      ["unit/session/calls", "start in order, a bounded number at a time"],
    ],
  },
  sending: {
    "send while waiting": [
      [CONNECTION, "waits until the connection is open"],
      [TABLE, "before open counts into maxQueued, and overflow cuts at once"],
    ],
    "send above highWater": [
      [TABLE, "above highWater is sent and returns false; drain and ready() follow once, at half"],
    ],
    "send, sendFrame after the end": [
      [TABLE, "after %s returns false, sends nothing, and no drain follows"],
      [TABLE, "in the error handler of %s is a last word, and none after it"],
      [TABLE, "in the error handler of a cut connection returns false"],
    ],
    "close(), end() while waiting": [
      [TABLE, "end at once if nothing is queued, else after open and within closeTimeout"],
    ],
    "detach()": [
      [TABLE, "is a TypeError while output is queued, or inside a frame of several values"],
      [TABLE, "ends iterators and requests; pending promises go on, and their send returns false"],
      [TRUST, "is refused while output waits, and if the transport cannot"],
      [TRUST, "hands over the socket and the unread bytes, and ends the connection"],
    ],
    "send of what cannot be encoded": [
      [CONNECTION, "throws for a value that cannot be encoded, sends none of it, and stays open"],
      [TABLE, "of what cannot be encoded is a bug of the handler that lets it through"],
    ],
    "send inside encode": [
      [TRUST, "that sends on its own connection leaves both frames intact"],
      [EDGES, "() leaves the frame whole"],
    ],
    "above maxQueued": [
      [CONNECTION, "closes with overflow instead of exhausting memory"],
      [CONNECTION, "allows a single frame longer than maxQueued"],
      [TABLE, "takes one frame longer than maxQueued, also of text that its sink takes as it is"],
    ],
    "a peer takes nothing for sendTimeout": [
      [TRUST, "cut off a peer that takes no bytes while some are queued"],
      [TABLE, "starts anew as the sink gets emptier, and cuts when it does not"],
      [SERVER, "do not affect a peer that reads a large message slowly"],
    ],
    "everything sent in one turn": [
      [TABLE, "in one turn is one write on a stream, and one a message, corked"],
    ],
    "end()": [
      [TRUST, "ends our side after everything sent; input is still read"],
      [TRUST, "is a TypeError if the transport has no half-close"],
      [EDGES, "closes the connection after our own, also with an end handler"],
    ],
    "close()": [
      [TABLE, "sends what is queued, delivers nothing more, and tells how many bytes were dropped"],
      [CONNECTION, "ends without an error if only the peer's end is missing after closeTimeout"],
    ],
    "abort(error?)": [[CONNECTION, "aborts at once, with a reason"]],
    "flushed()": [
      [TABLE, "resolves when the sink has taken all that was sent before the call, and no later"],
    ],
  },
  receiving: {
    "message returns a promise": [[TRUST, "is awaited: messages stay in order, one at a time"]],
    "it never settles": [
      [TABLE, "leaves the source paused, and the limits of the peer stand still"],
      ["unit/core/trace", "tells once of promises that have been pending for 10 s"],
    ],
    "the turn's time is over": [
      [TABLE, "that is over has ended, lost and drain queue behind the messages"],
      [TABLE, "that is over lets close, abort, pause and use act at once"],
    ],
    "pause() inside message": [
      [CONNECTION, "act at once inside a message"],
      [CONNECTION, "stops between two values of one frame, and continues there"],
    ],
    "resume()": [[TABLE, "delivers before it returns, within the time of the turn"]],
    "use() inside message": [
      [CONNECTION, "switches from the next frame on, inside a message"],
      [
        TABLE,
        "in the middle of a frame of several values is a TypeError, after its last value none",
      ],
      [TABLE, "hold back the new handler and the end, but no iterator"],
    ],
    "received after ended, lost, halted": [
      [TABLE, "of a connection that is %s is ignored, whatever comes"],
      [TABLE, "takes what is not bytes for a failed transport, and throws nothing"],
    ],
    "FIN inside a frame": [
      [
        TABLE,
        "inside of a frame is told after all that was whole, unless the framing takes the rest",
      ],
    ],
    "FIN, end handler given": [
      [TABLE, "calls the end handler once, after the last promise of message"],
      [TABLE, "with an end handler is bounded by endTimeout after the last byte sent"],
      [EDGES, "for our end restart with every message taken"],
    ],
    "FIN, no end handler": [
      [TABLE, "waits for %s, then our side ends one turn later"],
      [TABLE, "at endTimeout with %s left is a timeout that says how many"],
      [CONNECTION, "waits for a paused reader"],
    ],
    "FIN while Requests wait": [[SESSIONS, "reports no bug when the connection ends by %s"]],
    "FIN before opened": [[EDGES, "before open takes effect after open"]],
    "for await": [
      [CONNECTION, "delivers every message, and slows the peer down while no message is requested"],
      [TABLE, "share the messages in the order of their calls"],
    ],
    "return() of an iterator with a next() pending": [
      [CONNECTION, "loses no message to an iterator that was left while it waited"],
    ],
    "message handler and iterator": [[CONNECTION, "is refused with a message handler"]],
    "a fault while somebody iterates": [
      [TABLE, "get what was whole before a fault, then one next() rejects, later ones are done"],
    ],
  },
  "ending and errors": {
    "a side closes cleanly, or aborts without an error": [
      [TABLE, "is clean if a side closes: no error, iterators are done"],
    ],
    "peer's fault, timeout, overflow, transport error": [
      [TABLE, "%s reaches error once, then close, and prints nothing"],
      [TABLE, "%s prints one line without an error handler and an iterator"],
      [TABLE, "%s rejects an iterator once, and then prints nothing"],
      [TRUST, "is silent if it is a plain reset"],
      ["unit/core/report", "is one line in ten seconds for a protocol and code"],
    ],
    "bug in a handler": [
      [TRUST, "is reported once, if %s %s %s", "reaches the error handler instead"],
    ],
    "the same error, or one caused by it, comes back": [
      [TABLE, "is no second report: %s"],
      [SESSIONS, "reports no bug when the connection ends by %s"],
    ],
    "a throw in error or close itself": [
      [
        CONNECTION,
        "in the error handler itself are uncaught, and the connection closes all the same",
      ],
      [TRUST, "is reported once, if %s %s %s"],
    ],
    "a throw in context": [
      [
        "node/settings",
        "closes only that socket of a server",
        "ends an attempt to connect, and its",
      ],
      ["unit/transports/isolation", "close a socket whose `context` throws, and print why"],
    ],
    "a sink that throws": [
      [TRUST, "whose %s throws is a transport that failed, and close is called once"],
    ],
    "close is called once and last, closed never rejects, signal tells the reason": [
      [TABLE, "%s reaches error once, then close, and prints nothing"],
      [TRUST, "report how it ended, even if they are first read afterwards"],
    ],
    "every fault's ending is bounded by closeTimeout": [
      [TABLE, "%s is over within closeTimeout, though the peer does nothing"],
    ],
    "server.connections and server.close() in any handler": [
      [SERVER, "has a connection from `open` on until `close`", "counts what it dropped"],
    ],
  },
  limits: {
    "0 or Infinity are none; NaN, negatives, strings are refused": [
      [TABLE, "%s is a number of at least 0", "that are %s are none"],
      [TABLE, "and the option %s are checked before the context is made"],
    ],
    connectTimeout: [[SERVER, "of an attempt to connect end it, and its socket"]],
    firstMessageTimeout: [
      [CONNECTION, "requires a first message in time, and single bytes do not count"],
      [SERVER, "of a first message count from when a TLS connection was accepted"],
    ],
    frameTimeout: [
      [TRUST, "end a frame that takes too long, even if single bytes keep arriving"],
      [TABLE, "frameTimeout is not begun by bytes that are no frame, and stopped by them"],
    ],
    idleTimeout: [[CONNECTION, "ends a connection that stays idle"]],
    sendTimeout: [[SERVER, "cut a peer that sends and never reads"]],
    "closeTimeout, endTimeout and their defaults": [
      [TABLE, "have defaults: only close and end are limited, and 8 MiB or two frames may wait"],
    ],
    turn: [[TURNS, "has the length of the option, and no end at 0"]],
    "maxQueued, highWater": [
      [
        CONNECTION,
        "closes with overflow instead of exhausting memory",
        "wait in a paused connection, and are bounded",
      ],
      ["unit/core/connection", "leaves room for the frames of the new protocol"],
    ],
    maxMemory: [
      [TABLE, "count values of frames, holds, and what is unread, queued and in the sink"],
      ["unit/core/budget", "closes the largest first, after the current work, until 90 % are used"],
      [SERVER, "of memory end the largest connection of a server, and no other"],
    ],
    maxConnections: [["node/listen", "accept at most maxConnections connections"]],
    "they stop at FIN and while no message is welcome, and go on with the rest": [
      [TABLE, "%s stops while none is welcome, goes on with its rest, and stops at the end"],
    ],
    "sweeps are never early and little late": [
      ["unit/core/sweeper", "never fires early, and at most a quarter of the limit late"],
      ["unit/core/sweeper", "is at most a second late for long limits"],
    ],
  },
  "who is told of a handler's bug": {
    "printed where it was handed in, thrown where the library dialled": [
      [TRUST, "is reported once, if %s %s %s"],
      ["unit/transports/isolation", "in `%s` prints the bug once and closes"],
      ["node/handler-bugs", "of connect is thrown to the host", "of listen and attach is printed"],
    ],
    "virtual connections and sessions inherit, gateways and the like report": [
      [SESSIONS, "from the other side print bugs; dialled ones inherit from their"],
      ["unit/protocols/handlers", "that %s is printed once without an error handler"],
    ],
    "an error handler wins": [
      ["unit/protocols/handlers", "that %s is passed to the error handler"],
    ],
  },
};

describe.each(Object.entries(ROWS))("%s", (_, rows) => {
  it.each(Object.entries(rows))("%s: has its tests", (_row, places) => {
    expect(places.length).toBeGreaterThan(0);
    for (const [file, ...names] of places) {
      expect(names.length).toBeGreaterThan(0);
      const text = readFileSync(new URL(`../../${file}.test.ts`, import.meta.url), "utf8");
      for (const name of names) expect(text, file).toContain(name);
    }
  });
});
