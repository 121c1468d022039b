import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../support/package.ts";
import { compilers, Folder, type Version } from "../support/tarball.ts";

// A protocol in a package with its own copy of framewright, or built as CommonJS. The program that
// uses it has another copy. TypeScript must accept the types of both, and the JavaScript must run.

const folder = new Folder();

const strict = {
  strict: true,
  exactOptionalPropertyTypes: true,
  module: "NodeNext",
  target: "ES2022",
  lib: ["ES2022"],
  types: ["node"],
  typeRoots: [join(root, "node_modules/@types")],
  // This package does not check the types of Node and fast-check.
  skipLibCheck: true,
};

/**
 * Code of both third-party packages: a protocol, a framing, and functions that receive the user's
 * objects.
 */
const thirdParty = `
import {
  type Codec, type Connection, defineProtocol, type Handlers, lengthPrefixed, type Output, type Protocol,
  ProtocolError, type Splitter, u16be, type WrappingFraming,
} from "framewright";

export interface Ping { readonly op: number; readonly body: Uint8Array }

const codec: Codec<Ping> = {
  decode(bytes, start, end) {
    if (bytes[start] === 0) throw new ProtocolError("malformed", "op 0", start);
    return { op: bytes[start]!, body: bytes.subarray(start + 1, end) };
  },
  encode({ op, body }, out) {
    if (op === 0) throw new ProtocolError("unencodable", "op 0");
    out.u8(op).bytes(body);
  },
};

export const ping: Protocol<Ping> = defineProtocol<Ping>({
  name: "ping",
  maxFrame: 4096,
  measure: (bytes, start, end) => (end - start < 2 ? 0 : 3 + u16be(bytes, start)),
  decode: (bytes, start, end) => codec.decode(bytes, start + 2, end),
  encode(value, out) {
    const at = out.reserve(2);
    codec.encode(value, out);
    out.patch(at, 2, value.body.length);
  },
});

export const framing: WrappingFraming = lengthPrefixed({ width: 4 });
export const wrapped = framing.wrap(codec);
export const echo: Handlers<Ping> = {
  message(connection, value) {
    connection.send(value);
  },
};
export function greet(connection: Connection<Ping>): boolean {
  return connection.send({ op: 7, body: Uint8Array.of(1, 2, 3) });
}
export function count(splitter: Splitter): number {
  let frames = 0;
  while (splitter.next()) frames++;
  return frames;
}
export function mark(out: Output): Output {
  return out.u16be(0xcafe);
}
`;

/** A user's program, with one of the packages. */
const program = (name: string): string => `
import fc from "fast-check";
import { decodeFrame, encodeAll, encodeFrame, json, Output, ProtocolError, Splitter } from "framewright";
import { connect, listen } from "framewright/node";
import { laws } from "framewright/testing";
import { count, echo, framing, greet, mark, ping, type Ping, wrapped } from "${name}";

const say = (...what: unknown[]): void => console.log(what.join(" "));
const value: Ping = { op: 5, body: Uint8Array.of(9) };
const frame = encodeFrame(ping, value);
say("frame", frame, encodeFrame(wrapped, value));
say("json", decodeFrame(framing.wrap(json<{ n: number }>()), Uint8Array.of(0, 0, 0, 7, 123, 34, 110, 34, 58, 49, 125)).n);

const splitter = new Splitter(ping);
splitter.push(encodeAll(ping, [value, value, value]));
say("count", count(splitter));
say("mark", mark(new Output()).take());

for (const run of [() => encodeFrame(ping, { op: 0, body: frame }), () => decodeFrame(ping, Uint8Array.of(0, 0, 0))]) {
  try {
    run();
  } catch (error) {
    if (error instanceof ProtocolError) say("error", error.code, error.name);
  }
}

const body = fc.uint8Array({ maxLength: 40 });
for (const law of laws(ping, fc.record({ op: fc.integer({ min: 1, max: 255 }), body }), { runs: 20, seed: 1 })) {
  await law.check();
}
say("laws");

const server = await listen(ping, { port: 0, ...echo });
const connection = await connect(ping, { port: server.port! });
greet(connection);
for await (const answer of connection) {
  say("answer", answer.op, answer.body);
  connection.close();
}
await server.close();
`;

const printed = `frame 0,1,5,9 0,0,0,2,5,9
json 1
count 3
mark 202,254
error unencodable ProtocolError
error malformed ProtocolError
laws
answer 7 1,2,3`;

beforeAll(() => {
  const tarball = folder.pack();
  folder.write("package.json", { name: "user", type: "module", private: true });
  folder.install(tarball, ".");
  folder.link("fast-check");

  const esm = "node_modules/acme-esm";
  folder.write(`${esm}/package.json`, { name: "acme-esm", type: "module", exports: "./index.js" });
  folder.write(`${esm}/index.ts`, thirdParty);
  folder.install(tarball, esm);

  const script = "node_modules/acme-cjs";
  folder.write(`${script}/package.json`, { name: "acme-cjs", exports: "./index.cjs" });
  folder.write(`${script}/index.cts`, thirdParty);

  const build = { ...strict, declaration: true };
  folder.write(`${esm}/tsconfig.json`, { compilerOptions: build, files: ["index.ts"] });
  folder.write(`${script}/tsconfig.json`, { compilerOptions: build, files: ["index.cts"] });
  folder.compile("7.0", "-p", esm);
  folder.compile("5.7", "-p", script);

  for (const name of ["acme-esm", "acme-cjs"]) folder.write(`${name}.mts`, program(name));
  const files = ["acme-esm.mts", "acme-cjs.mts"];
  folder.write("tsconfig.json", { compilerOptions: strict, files });
});

afterAll(() => folder.remove());

describe("a protocol from a package", () => {
  it("has its own copy of framewright, or is CommonJS", () => {
    const files = [
      "node_modules/framewright/package.json",
      "node_modules/acme-esm/node_modules/framewright/package.json",
      "node_modules/acme-esm/index.d.ts",
      "node_modules/acme-cjs/index.d.cts",
    ];
    expect(files.filter((file) => !existsSync(join(folder.path, file)))).toEqual([]);
  });

  it.each(Object.keys(compilers) as Version[])("is accepted by TypeScript %s", (version) => {
    expect(folder.compile(version, "-p", ".", "--noEmit")).toBe("");
  });

  it.each(["acme-esm", "acme-cjs"])("runs: %s", (name) => {
    folder.compile("7.0", "-p", ".");
    expect(folder.run(process.execPath, `${name}.mjs`)).toBe(printed);
  });
});
