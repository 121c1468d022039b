// The echo servers that are compared: how each is built and started. What is missing on this machine is skipped.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const built = fileURLToPath(new URL("../../../reports/peers/", import.meta.url));

const has = (program) => spawnSync("which", [program]).status === 0;
const firstLine = (program, ...args) =>
  execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).split(
    "\n",
  )[0];
const debian = (name) => {
  const { stdout } = spawnSync("dpkg-query", ["-s", name], { encoding: "utf8" });
  return /^Status: .* installed$/m.test(stdout) ? /^Version: (.*)$/m.exec(stdout)[1] : "";
};

const packageVersion = (name) =>
  JSON.parse(
    readFileSync(new URL(`../../../node_modules/${name}/package.json`, import.meta.url), "utf8"),
  ).version;

const node = (name, module) => ({
  name,
  version: module && packageVersion(module),
  command: (kind) => [process.execPath, [`${here}node.mjs`, kind]],
});

/** Each server's `kinds` maps `frames` and `lines` to what is started; `build` throws if something is missing. */
export const peers = [
  { ...node("framewright"), kinds: { frames: "framewright frames", lines: "framewright lines" } },
  { ...node("by hand"), kinds: { frames: "by hand frames", lines: "by hand lines" } },
  { ...node("no framing"), kinds: { frames: "no framing" } },
  { ...node("split2 corked", "split2"), kinds: { lines: "split2 corked" } },
  { ...node("split2", "split2"), kinds: { lines: "split2" } },
  { ...node("frame-stream", "frame-stream"), kinds: { frames: "frame-stream" } },
  { ...node("it-length-prefixed", "it-length-prefixed"), kinds: { frames: "it-length-prefixed" } },
  {
    name: "tokio-util",
    kinds: { frames: "frames", lines: "lines" },
    build() {
      const crates = "/usr/share/cargo/registry";
      if (!has("cargo")) throw new Error("cargo is not installed");
      if (debian("librust-tokio-util-dev") === "")
        throw new Error("librust-tokio-util-dev is not installed");
      const folder = `${built}rust/`;
      mkdirSync(`${folder}src`, { recursive: true });
      mkdirSync(`${folder}.cargo`, { recursive: true });
      cpSync(`${here}echo.rs`, `${folder}src/main.rs`);
      writeFileSync(
        `${folder}Cargo.toml`,
        `[package]\nname = "echo"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\n` +
          `tokio = { version = "1", features = ["rt", "net", "macros", "io-util"] }\n` +
          `tokio-util = { version = "0.7", features = ["codec"] }\n` +
          `futures = "0.3"\nbytes = "1"\nserde_json = "1"\n` +
          `[profile.release]\nlto = true\ncodegen-units = 1\n`,
      );
      writeFileSync(
        `${folder}.cargo/config.toml`,
        `[source.crates-io]\nreplace-with = "debian"\n[source.debian]\ndirectory = "${crates}"\n`,
      );
      execFileSync("cargo", ["build", "--release", "--offline", "--quiet"], {
        cwd: folder,
        stdio: "pipe",
      });
      this.version = `${debian("librust-tokio-util-dev")}, ${firstLine("rustc", "--version")}`;
    },
    command: (kind) => [`${built}rust/target/release/echo`, [kind]],
  },
  {
    name: "Netty",
    kinds: { frames: "frames", lines: "lines" },
    build() {
      if (!has("javac")) throw new Error("javac is not installed");
      const jars = [
        ...["common", "buffer", "transport", "codec", "handler", "resolver"].map(
          (part) => `netty-${part}`,
        ),
        ...["databind", "core", "annotations"].map((part) => `jackson-${part}`),
      ].map((name) => `/usr/share/java/${name}.jar`);
      const missing = jars.find((jar) => !existsSync(jar));
      if (missing !== undefined)
        throw new Error(`${missing} is missing (libnetty-java, libjackson2-databind-java)`);
      mkdirSync(`${built}java`, { recursive: true });
      this.classPath = [`${built}java`, ...jars].join(":");
      execFileSync("javac", ["-cp", this.classPath, "-d", `${built}java`, `${here}Echo.java`], {
        stdio: "pipe",
      });
      this.version = `${debian("libnetty-java")}, Java ${spawnSync("java", ["-version"], { encoding: "utf8" }).stderr.split('"')[1]}`;
    },
    command(kind) {
      // Direct memory as Netty's own documentation sets it up for Java 17.
      const open = ["java.base/java.nio=ALL-UNNAMED", "java.base/sun.nio.ch=ALL-UNNAMED"];
      const flags = [
        ...open.flatMap((name) => ["--add-opens", name]),
        "-Dio.netty.tryReflectionSetAccessible=true",
        "-Dio.netty.leakDetection.level=disabled",
        "-Xms256m",
        "-Xmx256m",
      ];
      return ["java", [...flags, "-cp", this.classPath, "Echo", kind]];
    },
    warmUps: 3,
  },
  {
    name: "Go",
    kinds: { frames: "frames", lines: "lines" },
    build() {
      if (!has("go")) throw new Error("go is not installed");
      mkdirSync(`${built}go`, { recursive: true });
      cpSync(`${here}echo.go`, `${built}go/main.go`);
      execFileSync("go", ["build", "-o", `${built}go/echo`, `${built}go/main.go`], {
        stdio: "pipe",
      });
      this.version = firstLine("go", "version");
    },
    command: (kind) => [`${built}go/echo`, [kind]],
  },
];

const isPinned = has("taskset");

/** Starts a server on the first core, if the machine can, and waits until it listens. */
export async function start(peer, kind, port) {
  const [program, args] = peer.command(peer.kinds[kind]);
  const line = [...(isPinned ? ["taskset", "-c", "0"] : []), program, ...args, String(port)];
  const child = spawn(line[0], line.slice(1), { stdio: ["ignore", "ignore", "inherit"] });
  for (let attempt = 0; attempt < 200; attempt++) {
    if (child.exitCode !== null) throw new Error(`${peer.name} ended with ${child.exitCode}`);
    const isOpen = await new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true));
      socket.on("error", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    });
    if (isOpen) return child;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${peer.name} does not listen`);
}
