import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../support/package.ts";

// Programs with `declaration: true` that export results of the package's functions, without
// annotations. Each is compiled alone: a second entry in the same program would help the compiler
// to find names.

const folder = mkdtempSync(join(tmpdir(), "framewright-declarations-"));

beforeAll(() => {
  const installed = join(folder, "node_modules/framewright");
  mkdirSync(installed, { recursive: true });
  cpSync(join(root, "package.json"), join(installed, "package.json"));
  cpSync(join(root, "dist"), join(installed, "dist"), { recursive: true });
  writeFileSync(join(folder, "package.json"), `{ "private": true, "type": "module" }`);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Returns the compiler's output for a program; the declarations are in the folder of its name. */
function compile(compiler: string, name: string, text: string): string {
  const project = join(folder, name);
  mkdirSync(project, { recursive: true });
  writeFileSync(join(project, "index.ts"), text);
  const compilerOptions = {
    strict: true,
    target: "ES2022",
    lib: ["ES2022", "DOM"],
    // The default since TypeScript 6: the package itself refers to the types of Node where it needs them.
    types: [],
    typeRoots: [join(root, "node_modules/@types")],
    module: "NodeNext",
    skipLibCheck: true,
    declaration: true,
    emitDeclarationOnly: true,
    outDir: "types",
  };
  writeFileSync(
    join(project, "tsconfig.json"),
    JSON.stringify({ compilerOptions, files: ["index.ts"] }),
  );
  try {
    const bin = join(root, "node_modules/.bin", compiler);
    return execFileSync(bin, ["-p", project], { encoding: "utf8", stdio: "pipe" });
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

const programs: Record<string, string> = {
  framewright: `
    import * as fw from "framewright";
    export const framing = fw.lines();
    export const messages = fw.perMessage();
    export const protocol = fw.lines().wrap(fw.utf8());
    export const codec = fw.json<string, number>();
    export const define = fw.defineProtocol({ ...framing, ...fw.raw(), name: "mine" });
    export const splitter = new fw.Splitter(protocol);
    export const out = new fw.Output().u8(1);
  `,
  goim: `
    import * as goim from "framewright/goim";
    export const packets = goim.goim();
    export const packetsJson = goim.goimJson({ side: "client" });
    export const live = goim.bilibili({ inflate: (_method, bytes) => bytes });
    export const { authToken, chatToken, onlineCount, operationList, roomId, userId } = goim;
    export const chat = [goim.chatSend(), goim.chatReceive()] as const;
    export const reply = goim.chatReply();
    export const comet = new goim.Comet({ verify: () => undefined } as never);
    export const { handlers } = comet;
    export const ops = goim.operations;
  `,
  fastway: `
    import * as fw from "framewright/fastway";
    export const packet = fw.packet();
    export const command = fw.command({ dialect: "v1" });
    export const gateway = fw.fastway({ dialect: "v2", side: "endpoint" });
    export const fixlen = fw.linkFixlen({ width: 2, endian: "be" });
    export const bodies = fw.linkJson({ types: { hi: (body: unknown) => body as { n: number } } });
    export const client = fw.fastwayClient({} as fw.FastwayLink);
    export const { dial } = client;
    export const hub = fw.fastwayGateway({ dialect: "v1" } as never);
  `,
  workerman: `
    import * as w from "framewright/workerman";
    export const nl = w.jsonNL<string, number>();
    export const int = w.jsonInt();
    export const text = w.text();
    export const texts = w.text({ bytes: true });
    export const frame = w.frame();
    export const xml = w.xml10();
    export const binary = [w.binaryTransfer(), w.binaryTransfer({ side: "client" })] as const;
    export const transfer = w.textTransfer();
    export const gateway = w.gatewayProtocol();
    export const php = w.phpJson();
    export const mine = w.defineCodec<string>({ input: () => 0, decode: String, encode: String });
    export const commands = w.gatewayCommands;
  `,
  sproto: `
    import { load, netpack, parse, type Sproto, sprotoRpc } from "framewright/sproto";
    export const school = parse(\`
      .package { type 0 : integer  session 1 : integer }
      .Person { name 0 : string  kids 1 : *Person  age 2 : integer }
      .Room { people 0 : *Person(name) }
      find 1 { request { name 0 : string } response Person }
      ping 2 {}
    \`, { int64: "bigint" });
    export const texts = parse([{ name: "a", text: ".A { b 0 : B }" }, ".B { n 0 : integer }"]);
    export const later = parse("" as string);
    export const loaded = load(school.bundle());
    type Types = typeof school extends Sproto<infer T> ? T : never;
    export const typed = load<Types>(school.bundle());
    export const rpc = sprotoRpc({ local: school, remote: texts });
    export const handlers = rpc.peers();
    export const withContext = sprotoRpc({ local: school, remote: school }).peers({
      on: { find: ({ name }) => ({ name: name ?? "" }) },
    });
    export const person = school.type("Person");
    export const framed = netpack().wrap(person);
    export const host = school.host();
    export const value = school.decode("Room", new Uint8Array(2));
  `,
  protobuf: `
    import * as pb from "framewright/protobuf";
    export const codec = pb.messageCodec<string>({
      encode: () => new Uint8Array(0),
      decode: () => "",
    });
    export const byType = pb.protobufjs<{ n: number }>({} as pb.ProtobufjsReflected);
    export const service = pb.headerService({
      requests: { "game.Login": { request: codec, response: codec } },
      pushes: { "game.News": codec },
    } as never);
    export const client = service.client();
    export const { handlers } = client;
    export const found = pb.peek(new Uint8Array(0), { id: 1 });
  `,
  node: `
    import { decoderTransform, listen, connect, attach, listenDatagram } from "framewright/node";
    const protocol = {} as Parameters<typeof connect<string>>[0];
    export const server = await listen(protocol, { port: 0 });
    export const [first] = server.connections;
    export const connection = await connect(protocol, { port: 1 });
    export const attached = attach({} as never, protocol);
    export const transform = decoderTransform(protocol);
    export const endpoint = listenDatagram(protocol);
  `,
  web: `
    import { attachStreams, attachWebSocket, connectWebSocket, decoderStream } from "framewright/web";
    const protocol = {} as Parameters<typeof attachStreams<string>>[1];
    export const connection = attachWebSocket({} as never, protocol);
    export const client = connectWebSocket("ws://x", protocol);
    export const streams = attachStreams({} as never, protocol);
    export const decoder = decoderStream(protocol);
  `,
  testing: `
    import * as kit from "framewright/testing";
    export const values = [kit.jsonValues(), kit.goimPackets(), kit.fastwayPackets()] as const;
    export const commands = kit.fastwayCommands("v1");
    export const promised = kit.laws;
    export const bytes = kit.bytes();
    export const clock = new kit.ManualClock();
  `,
};

describe("declarations of programs", () => {
  it.each(Object.keys(programs))("are written for results of %s", (name) => {
    expect(compile("tsc", name, programs[name]!)).toBe("");
  });

  it("are written by the previous compiler, too", () => {
    expect(compile("tsc6", "sproto", programs.sproto!)).toBe("");
  });
});

// A single name that is stripped from one file and used in another breaks every program that does
// not skip the check of libraries.
describe("declarations of the package", () => {
  const resolutions = [
    ["types", "Node16", "Node16"],
    ["types", "ESNext", "Bundler"],
    ["types-cjs", "Node16", "Node16"],
    ["types-cjs", "ESNext", "Bundler"],
  ] as const;

  it.each(resolutions)("in dist/%s have no errors as %s, %s", (kind, module, moduleResolution) => {
    const config = join(folder, `all-${kind}-${moduleResolution}.json`);
    const compilerOptions = {
      strict: true,
      exactOptionalPropertyTypes: true,
      target: "ES2022",
      lib: ["ES2022", "DOM"],
      types: ["node"],
      typeRoots: [join(root, "node_modules/@types")],
      module,
      moduleResolution,
      skipLibCheck: false,
      noEmit: true,
    };
    const include = [join(root, "dist", kind, "**/*.d.ts")];
    writeFileSync(config, JSON.stringify({ compilerOptions, include }));
    const { output, files } = checked(config);
    expect(output).toBe("");
    expect(files).toEqual(expect.arrayContaining([join(root, "dist", kind, "testing/index.d.ts")]));
  });

  /** The errors of the compiler, and the files that it has read. */
  function checked(config: string): { output: string; files: readonly string[] } {
    const bin = join(root, "node_modules/.bin/tsc");
    const { stdout } = spawnSync(bin, ["-p", config, "--listFiles"], { encoding: "utf8" });
    const lines = stdout.split("\n").filter((line) => line !== "");
    const isFile = (line: string): boolean => line.endsWith(".ts");
    return {
      output: lines.filter((line) => !isFile(line)).join("\n"),
      files: lines.filter(isFile),
    };
  }
});

describe("declarations of a program with sproto schemas", () => {
  it("keep the types of messages and calls", () => {
    expect(compile("tsc", "sproto", programs.sproto!)).toBe("");
    const use = `
      import { framed, rpc, school, texts, typed } from "../sproto/types/index.js";
      import { decodeFrame } from "framewright";

      const person = school.decode("Person", new Uint8Array(2));
      export const age: bigint | undefined = person.kids?.[0]?.kids?.[0]?.age;
      export const name: string | undefined = decodeFrame(framed, new Uint8Array(0)).name;
      // @ts-expect-error a list of persons
      export const kids: number = person.kids;
      // @ts-expect-error no such type
      school.decode("Nobody", new Uint8Array(2));
      // @ts-expect-error a number
      texts.encode("A", { b: { n: "1" } });
      // @ts-expect-error no such type
      typed.encode("Nobody", {});
      rpc.peers({
        on: {
          // @ts-expect-error a name is a string
          find: () => ({ name: 1 }),
        },
      });
    `;
    expect(compile("tsc", "use", use)).toBe("");
  });
});
