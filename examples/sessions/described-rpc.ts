// Remote calls over a described header: length, number, kind and method, and a body of text.
import { enumOf, protocolOf, rest, size, struct, u8, u16be, u32be, utf8 } from "framewright/fields";
import { connect, listen } from "framewright/node";
import { Requests } from "framewright/session";

const protocol = protocolOf(
  struct({
    length: size(u16be, rest),
    id: u32be,
    kind: enumOf(u8, { call: 1, answer: 2, fault: 3 }),
    method: enumOf(u8, { upper: 1, reverse: 2 }),
    body: utf8(),
  }),
  { name: "calls", maxFrame: 65_537 },
);

// The server: calls run independently, and each answer carries the number of its call.
const methods = {
  upper: (text: string) => text.toUpperCase(),
  reverse: (text: string) => [...text].reverse().join(""),
};
const server = await listen(protocol, {
  port: 0,
  message: (connection, { id, method, body }) => {
    connection.send({ id, kind: "answer", method, body: methods[method](body) });
  },
});

// The client.
const requests = new Requests<string>({ timeout: 5000 });
const connection = await connect(protocol, {
  port: server.port,
  message: (_, { id, kind, body }) => {
    if (kind === "fault") requests.fail(id, new Error(body));
    else requests.answer(id, body);
  },
});
connection.onInputEnd((error) => requests.end(error));
const call = (method: keyof typeof methods, body: string) =>
  requests.ask((id) => connection.send({ id, kind: "call", method, body }));

console.log(await Promise.all([call("upper", "hello"), call("reverse", "hello")]));
//=> [ 'HELLO', 'olleh' ]

connection.close();
await server.close();
await call("upper", "too late").catch(({ code, sent }) => console.log(code, sent));
//=> closed false
