import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { type CloseInfo, lengthPrefixed, lines, raw, utf8 } from "../../src/index.ts";
import { attach, type SocketOptions, type StreamPair } from "../../src/transports/node/index.ts";

// A child process is a peer: its standard input and output are a pair of streams.

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** A child that runs `program`, and the streams to it. */
function start(program: string) {
  const child = spawn(process.execPath, ["-e", program], { stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  const stream = { readable: child.stdout, writable: child.stdin };
  return { child, stream, exit: once(child, "exit") };
}

/** What becomes of a connection. */
function record<T>(): {
  options: SocketOptions<T, T, undefined, StreamPair>;
  received: T[];
  errors: unknown[];
  closed: Promise<CloseInfo>;
} {
  const received: T[] = [];
  const errors: unknown[] = [];
  let resolve: (info: CloseInfo) => void = () => {};
  const closed = new Promise<CloseInfo>((done) => {
    resolve = done;
  });
  const options: SocketOptions<T, T, undefined, StreamPair> = {
    message: (_, value) => received.push(value),
    error: (_, error) => errors.push(error),
    close: (_, info) => resolve(info),
  };
  return { options, received, errors, closed };
}

const echo = "process.stdin.pipe(process.stdout)";

describe("the standard streams of a child process", () => {
  it("carry messages in both directions, and closing ends the child", async () => {
    const { stream, exit } = start(`
      const { createInterface } = require("node:readline");
      createInterface({ input: process.stdin }).on("line", (line) => console.log(line.toUpperCase()));
    `);
    const { options, closed } = record<string>();
    const connection = attach(stream, lines().wrap(utf8()), { close: options.close });
    const answers: string[] = [];
    for (const line of ["one", "two", "grüße"]) {
      connection.send(line);
      for await (const answer of connection) {
        answers.push(answer);
        break;
      }
    }
    expect(answers).toEqual(["ONE", "TWO", "GRÜSSE"]);
    connection.close();
    expect(await exit).toEqual([0, null]);
    expect(await closed).toEqual({ by: "local" });
  });

  it("carry more than pipes hold, in order, with backpressure", async () => {
    const count = 200;
    const size = 40_000;
    const { stream, exit } = start(echo);
    const { options, closed } = record<Uint8Array>();
    let sent = 0;
    let blocked = 0;
    let received = 0;
    let misplaced = 0;
    const connection = attach(stream, lengthPrefixed({ width: 4 }).wrap(raw()), {
      ...options,
      message(opened, bytes) {
        const n = received++;
        if (bytes.length !== size || bytes[0] !== n || bytes[size - 1] !== n) misplaced++;
        if (received === count) opened.close();
      },
      drain: () => push(),
    });
    function push(): void {
      while (sent < count) {
        if (connection.send(new Uint8Array(size).fill(sent++))) continue;
        blocked++;
        return;
      }
    }
    push();
    expect(await closed).toEqual({ by: "local" });
    expect([sent, received, misplaced]).toEqual([count, count, 0]);
    expect(blocked).toBeGreaterThan(0);
    expect(await exit).toEqual([0, null]);
  });

  it("end when the child does, after its last output", async () => {
    const { stream, exit } = start(`process.stdout.write("ready\\nlast words\\n")`);
    const { options, received, errors, closed } = record<string>();
    attach(stream, lines().wrap(utf8()), options);
    expect(await closed).toEqual({ by: "peer" });
    expect(received).toEqual(["ready", "last words"]);
    expect(errors).toEqual([]);
    expect(await exit).toEqual([0, null]);
  });

  it("end with an error if the child is killed inside a frame", async () => {
    const { child, stream } = start(`
      process.stdout.write(Buffer.from([0, 0, 0, 2, 7, 7, 0, 0, 0, 9, 1]));
      setInterval(() => {}, 1000);
    `);
    const { options, received, errors, closed } = record<Uint8Array>();
    attach(stream, lengthPrefixed({ width: 4 }).wrap(raw()), {
      ...options,
      message(_, bytes) {
        received.push(bytes);
        child.kill("SIGKILL");
      },
    });
    expect((await closed).by).toBe("error");
    expect(received).toEqual([Uint8Array.of(7, 7)]);
    expect(errors).toMatchObject([{ code: "truncated" }]);
  });
});
