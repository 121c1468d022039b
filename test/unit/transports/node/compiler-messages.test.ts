import { beforeAll, describe, expect, it } from "vitest";
import { compilerMessages } from "../../../support/compiler.ts";

const header = `
  import { json, lines, perMessage, type Protocol, utf8 } from "./src/index.ts";
  import { attach, connect, listen, type ListenOptions } from "./src/transports/node/index.ts";
  import { attachStreams } from "./src/transports/web/index.ts";
  import { socketHandlers } from "./src/transports/bun/index.ts";
  declare const socket: import("node:net").Socket;
  const protocol = lines().wrap(utf8());
`;

// Wrong calls, and what their messages must contain.
const wrong: readonly [call: string, part: string][] = [
  ["listen(protocol, {})", "Property 'port' is missing"],
  ["connect(protocol, {})", "Property 'port' is missing"],
  ["listen(protocol, { message() {} })", "Property 'port' is missing"],
  ["listen(protocol, { prt: 1 })", "Did you mean to write 'port'?"],
  ["listen(protocol, { port: 0, mesage() {} })", "Did you mean to write 'message'?"],
  ["listen(protocol, { port: 0, path: '/x' })", "'number' is not assignable to type 'undefined'"],
  ["listen(lines(), { port: 0 })", "add .wrap(codec), as in lines().wrap(json())"],
  ["connect(lines(), { port: 1 })", "add .wrap(codec), as in lines().wrap(json())"],
  ["attach(socket, lines())", "add .wrap(codec), as in lines().wrap(json())"],
  ["attachStreams({}, lines())", "add .wrap(codec), as in lines().wrap(json())"],
  ["socketHandlers(lines())", "add .wrap(codec), as in lines().wrap(json())"],
  ["listen(perMessage().wrap(utf8()), { port: 0 })", "as in lines().wrap(codec)"],
  ["listen(perMessage(), { port: 0 })", "as in lines().wrap(codec)"],
  ["listen(json(), { port: 0 })", "as in lines().wrap(codec)"],
  ["connect(perMessage().wrap(utf8()), { port: 1 })", "as in lines().wrap(codec)"],
  ["attach(socket, perMessage().wrap(utf8()))", "as in lines().wrap(codec)"],
];

describe("the compiler's message", () => {
  let messages: string[] = [];
  // One program for all: it takes seconds to load the library's types.
  beforeAll(() => {
    messages = compilerMessages(header + wrong.map(([call]) => `void ${call};`).join("\n"));
  }, 120_000);

  it.each(wrong.map(([call, part], i) => [call, part, i] as const))(
    "for %s says: %s",
    (_, part, i) => {
      expect(messages[i]).toContain(part);
      expect(messages).toHaveLength(wrong.length);
    },
  );
});

describe("the compiler", () => {
  it("infers values, contexts and ports", () => {
    const program = `
      import type { Connection } from "./src/index.ts";
      import type { Server, SocketOptions } from "./src/transports/node/index.ts";
      const own = lines().wrap(json<{ ask: string }, { answer: number }>());
      const server = await listen(own, {
        port: 0,
        context: (socket) => ({ peer: socket.destroyed, count: 0 }),
        message(connection, value) {
          connection.context.count += value.answer;
          connection.send({ ask: "x" });
        },
      });
      const port: number = server.port;
      const none: undefined = (await listen(own, { path: "/x" })).port;
      const same: number = (await listen(own, { port: 0, path: undefined })).port;
      const handed = (options: ListenOptions<string>) => listen(protocol, options);
      const maybe: number | undefined = (await handed({ port: 0 })).port;
      const any: Server<string> = await listen(protocol, { port: 0 });
      const wrapped = <In, Out, Context>(p: Protocol<In, Out>, options: SocketOptions<In, Out, Context>) =>
        listen(p, { ...options, port: 0 });
      const inner: number = (await wrapped(protocol, { message() {} })).port;
      const connection: Connection<{ ask: string }, { answer: number }> = await connect(own, { port });
      const unknown: Connection<unknown> = attach(socket, lines().wrap(json()));
      await listen<string, string, undefined>(protocol, { port: 0 });
      await listen({} as any, { port: 0 });
    `;
    expect(compilerMessages(header + program)).toEqual([]);
  });
});
