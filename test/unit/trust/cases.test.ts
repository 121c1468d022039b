import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { delimited, raw } from "../../../src/index.ts";
import { laws } from "../../../src/testing/index.ts";

// Thirty-six faults were found by running 0.1.0, R1 to R36. Each has tests that fail when it comes back: here is where.
// The names are looked for, so that this list stays true.

const EDGES = "unit/core/connection-edges";
const TRUST = "unit/core/connection-trust";
const HELD = "unit/trust/held-memory";

type Place = readonly [file: string, ...names: string[]];

const CASES: Readonly<Record<string, readonly [fault: string, ...places: Place[]]>> = {
  R1: [
    "a peer's fault comes back through a handler's loop as an uncaught exception",
    [TRUST, "is reported once, if %s %s %s", "a loop over the messages"],
    ["unit/transports/isolation", "in `%s` prints the bug once and closes"],
    ["unit/protocols/sessions", "and an error of a peer closes only its own"],
  ],
  R2: [
    "a handler that waits for an answer fails when the peer hangs up",
    ["unit/protocols/sessions", "reports no bug when the connection ends by %s"],
  ],
  R3: [
    "decoders yield what their encoder refuses, and a handler's throw ends the process",
    ["unit/trust/echo", "writes what it reads of bytes by chance", "writes or refuses %j"],
    ["unit/protocols/handlers", "that %s is printed once without an error handler"],
    ["node/settings", "is printed without `serverError`, and no other socket is closed"],
    ["node/datagram", "survives a handler of"],
  ],
  R4: [
    "an Output stays usable after its call",
    [TRUST, "cannot write into its output after its call", "that returns a promise is refused"],
  ],
  R5: [
    "sending while encoding mixes two frames",
    [TRUST, "that sends on its own connection leaves both frames intact"],
    [EDGES, "calls inside of encode"],
  ],
  R6: [
    "transferring one frame breaks encoding for all",
    [TRUST, "may have its frames transferred to another thread"],
    ["unit/core/poison", "taken bytes and delivered frames never change"],
  ],
  R7: [
    "one client of a gateway disconnects a server and everyone on it",
    ["unit/protocols/fastway/gateway-flow", "a client that floods a server"],
    ["unit/protocols/fastway/gateway-flow", "any mixture of flooding and slow ends"],
  ],
  R8: [
    "close() of a server inside of a close handler never resolves",
    ["node/server-limits", "has a connection from `open` on until `close`", "server.close()"],
  ],
  R9: [
    "an abandoned iterator takes a message with it",
    ["unit/core/connection", "loses no message to an iterator that was left while it waited"],
    ["unit/core/async-queue", "loses no value to an iterator that was left"],
  ],
  R10: [
    "limits and names of options are not checked",
    ["unit/trust/options", "are refused if there is no such option", "if %s is not a limit"],
    ["node/server-limits", "that do not exist are refused with those that do"],
  ],
  R11: [
    "a decoder stream hangs at a chunk that is not bytes",
    ["laws/web-streams", "fail for a chunk that is not bytes, writer and reader"],
  ],
  R12: [
    "dropped bytes are called a clean end",
    ["node/server-limits", "counts what it dropped, and no connection calls that a clean end"],
    ["unit/core/connection", "waits for a full sink before it closes"],
  ],
  R13: [
    "sinks and callers that misbehave",
    [TRUST, "a sink"],
    ["laws/connection-model", "sinkAbort"],
    ["node/datagram", "says stop, drops what exceeds maxQueued"],
  ],
  R14: [
    "answers of async handlers are lost after the peer's end",
    [
      TRUST,
      "still answers everything after the peer's end",
      "sends all its replies after the peer's end, then closes",
    ],
  ],
  R15: [
    "paused sockets, and streams of text, are attached without a word",
    ["node/attach-streams", "reads a socket that was paused", "refuses streams of text"],
  ],
  R16: [
    "a child process is seen to end late",
    ["node/attach-streams", "close as soon as the child is done"],
  ],
  R17: [
    "messages come after a handler has destroyed the socket",
    ["node/attach-streams", "delivers nothing more once a handler has destroyed the socket"],
    ["node/web-socket", "delivers nothing more once a handler has terminated the socket"],
    ["unit/transports/isolation", "gets no further message of a WebSocket"],
    ["unit/transports/isolation", "gets no further message of a socket of Bun"],
  ],
  R18: [
    "the values of the last frame are kept",
    [HELD, "is let go of by connections when its last value", "is let go of by decoders, too"],
    [HELD, "counts what its values cost in a server's budget", "lets go of its values as they are"],
  ],
  R19: [
    "half a frame keeps its chunk alive",
    [HELD, "does not keep the chunk alive that it came in"],
    [TRUST, "does not keep a chunk alive for a few bytes of an unfinished frame"],
  ],
  R20: [
    "chunks that wait are counted without their objects",
    [HELD, "takes little more than maxQueued, in %s"],
    [TRUST, "counts waiting tiny chunks at their memory cost"],
  ],
  R21: [
    "memory that views pin is not counted",
    [HELD, "counts no less than it holds, if it lies in chunks that others share"],
    [HELD, "keeps little more than is counted, whatever else its link carries"],
  ],
  R22: [
    "calls of a peer have no bound",
    [HELD, "count no less than they hold, and too many close their connection"],
    ["unit/protocols/sessions", "of sproto run in limited numbers"],
  ],
  R23: [
    "a closed connection keeps its unread input",
    [HELD, "is let go of when its connection is over, though that is kept"],
  ],
  R24: [
    "a peer that drips lives for ever",
    [TRUST, "end a frame that takes too long, even if single bytes keep arriving"],
    [EDGES, "continue after a pause for a frame that received more bytes meanwhile"],
    ["node/server-limits", "of a first message count from when a TLS connection was accepted"],
  ],
  R25: [
    "integer keys of maps collide",
    ["unit/protocols/sproto/collisions", "accept few keys, even if they collide"],
  ],
  R26: [
    "a chunk of many messages blocks the loop",
    [TRUST, "ends after its time: the rest"],
    [
      "unit/core/turns",
      "is shared by all connections of a clock",
      "is not begun anew by each of many chunks",
    ],
  ],
  R27: [
    "the documented codec searches from the beginning",
    ["unit/protocols/workerman/define-codec", "and how many bytes it has seen before"],
  ],
  R28: [
    "many delimiters cost as many searches",
    ["unit/trust/cases", "two hundred delimiters look at each byte a bounded number of times"],
  ],
  R29: [
    "the command line writes names of files as code",
    ["unit/cli/sproto", "keeps names of files inside of the comment", "does not write over"],
    ["unit/cli/sproto", "tells the version of its package"],
  ],
  R30: [
    "encoders take odd values for others",
    ["unit/trust/odd-values", "refuses odd values, or reads them back"],
  ],
  R31: ["errors show payload", ["unit/trust/payload", "print nothing of the payload"]],
  R32: [
    "async handlers run all at once",
    [TRUST, "is awaited: messages stay in order, one at a time"],
  ],
  R33: [
    "a peer that never reads outlives every limit",
    [TRUST, "cut off a peer that takes no bytes while some are queued"],
    ["node/server-limits", "cut a peer that sends and never reads"],
  ],
  R34: [
    "nothing bounds the memory of a process",
    [HELD, "hold little more than maxMemory, whatever their peers do"],
    ["node/server-limits", "of memory end the largest connection of a server, and no other"],
  ],
  R35: [
    "an empty array that all share is handed out",
    [TRUST, "are never shared: transferring one breaks nothing"],
  ],
  R36: [
    "an asynchronous schema is blamed on the peer",
    ["unit/core/codecs", "but a promise is not blamed on the peer"],
  ],
};

describe.each(Object.entries(CASES))("%s", (_, [fault, ...places]) => {
  it.each(places)(`(${fault}) has its tests in %s`, (file, ...names) => {
    const text = readFileSync(new URL(`../../${file}.test.ts`, import.meta.url), "utf8");
    for (const name of names) expect(text).toContain(name);
  });
});

it("two hundred delimiters look at each byte a bounded number of times", async () => {
  const marks = Array.from({ length: 200 }, (_, i) => `${"-".repeat(i % 20)}<${i}>`);
  const protocol = delimited(marks, { maxFrame: 4096 }).wrap(raw());
  const law = laws(protocol, fc.uint8Array({ maxLength: 64 }), { runs: 20 }).find(
    ({ name }) => name === "no rescanning",
  );
  expect(law).toBeDefined();
  await law?.check();
});
