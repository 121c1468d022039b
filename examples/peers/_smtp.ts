// An SMTP server that accepts mail only over TLS (RFC 5321, RFC 3207): lines, a body that ends with a line
// that is a dot, and STARTTLS in one call.
import type { Connection, Handlers } from "framewright";
import { latin1, lines } from "framewright";
import { listen, type Server, type ServerTls, startTls } from "framewright/node";

export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly text: string;
}

// Latin-1 keeps every byte of a body, in any charset.
export const smtp = lines({ ending: "\r\n", maxFrame: 64 * 1024 }).wrap(latin1(), { name: "smtp" });

interface Session {
  from: string;
  to: string[];
}
type Client = Connection<string, string, Session>;

export function smtpServer(
  tls: ServerTls,
  received: (mail: Mail) => void,
): Promise<Server<string, string, Session, number>> {
  const answer = (client: Client, line: string, isSecure: boolean): unknown => {
    const [verb = "", argument = ""] = line.split(/\s+(.*)/, 2);
    const { context } = client;
    switch (verb.toUpperCase()) {
      case "EHLO":
        if (!isSecure) client.send("250-STARTTLS");
        return client.send("250 mail.example");
      case "STARTTLS":
        client.send("220 go ahead");
        return startTls(client, smtp, { side: "server", tls, ...secure });
      case "QUIT":
        client.send("221 bye");
        return client.close();
    }
    if (!isSecure) return client.send("530 STARTTLS first");
    switch (verb.toUpperCase()) {
      case "MAIL":
        context.from = /<(.*)>/.exec(argument)?.[1] ?? "";
        return client.send("250 ok");
      case "RCPT":
        context.to.push(/<(.*)>/.exec(argument)?.[1] ?? "");
        return client.send("250 ok");
      case "DATA":
        client.send("354 end with a dot");
        return readMail(client);
      default:
        return client.send("502 unknown");
    }
  };
  /** The next lines are the mail; then commands follow again. */
  const readMail = (client: Client): void => {
    const text: string[] = [];
    client.use(smtp, {
      message(_, line) {
        if (line !== ".") return void text.push(line.replace(/^\./, ""));
        const { from, to } = client.context;
        received({ from, to: to.splice(0), text: text.join("\n") });
        client.send("250 taken");
        client.use(smtp, secure);
      },
    });
  };
  const secure: Handlers<string, string, Session> = {
    message: (client, line) => answer(client, line, true),
  };
  return listen(smtp, {
    host: "127.0.0.1",
    port: 0,
    context: (): Session => ({ from: "", to: [] }),
    open: (client) => client.send("220 mail.example"),
    message: (client, line) => answer(client, line, false),
  });
}
