// A server and a client over TLS, which agree on a protocol by ALPN: the client offers "json", and the server speaks JSON
// lines to it and plain lines to all others. Ends by itself.
//
// The certificate in this folder is for localhost, and public like its key: use it for tests only.
import { readFileSync } from "node:fs";
import { json, lines, type Protocol, utf8 } from "framewright";
import { type ClientTls, connect, listen } from "framewright/node";

const read = (file: string): Buffer => readFileSync(new URL(file, import.meta.url));
const cert = read("./_cert.pem");
const key = read("./_key.pem");

const jsonLines: Protocol<string> = lines().wrap(json<string>());
const plainLines: Protocol<string> = lines().wrap(utf8());

const server = await listen(plainLines, {
  port: 0,
  tls: { cert, key },
  alpn: { json: jsonLines, plain: plainLines },
  message: (connection, text) => connection.send(text.toUpperCase()),
});

async function ask(protocol: Protocol<string>, tls: ClientTls): Promise<void> {
  const connection = await connect(protocol, {
    port: server.port,
    tls: { ca: cert, ...tls }, // without `ca`, Node checks the certificate against public authorities
    trace: (event) => {
      if (event.type === "secured") console.log(`${event.version}, ALPN ${event.alpn ?? "none"}`);
      if (event.type === "received") console.log(Buffer.from(event.bytes).toString().trim());
    },
  });
  connection.send("hello");
  for await (const _ of connection) connection.close();
}

await ask(jsonLines, { ALPNProtocols: ["json"] });
await ask(plainLines, {});

// A client that does not trust the certificate refuses the connection.
await connect(plainLines, { port: server.port, tls: true }).catch(({ code }) => console.log(code));
await server.close();
//=> TLSv1.3, ALPN json
//=> "HELLO"
//=> TLSv1.3, ALPN none
//=> HELLO
//=> DEPTH_ZERO_SELF_SIGNED_CERT
