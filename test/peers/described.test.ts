import fc from "fast-check";
import type { DescribedProtocol } from "framewright/fields";
import { laws, text } from "framewright/testing";
import { describe, it } from "vitest";
import { dns } from "../../examples/peers/dns.ts";
import { rtuRequest, rtuResponse, tcpRequest, tcpResponse } from "../../examples/peers/modbus.ts";
import { mqtt } from "../../examples/peers/mqtt.ts";
import { backend, frontend, row, startup } from "../../examples/peers/postgres.ts";
import * as socks from "../../examples/peers/socks5.ts";

/* Formats of examples/peers in the style of their users; each obeys the laws. */

const all: readonly unknown[] = [
  tcpRequest,
  tcpResponse,
  rtuRequest,
  rtuResponse,
  mqtt,
  dns,
  socks.greeting,
  socks.choice,
  socks.login,
  socks.loginReply,
  socks.request,
  socks.reply,
  startup,
  frontend,
  backend,
];
const rows = fc.array(fc.option(text({ max: 9 })), { maxLength: 4 });

describe("descriptions of public protocols obey the laws", () => {
  for (const protocol of all as readonly DescribedProtocol<unknown>[]) {
    const options = { runs: 20, max: 200, of: new Map([[row, rows]]) };
    for (const law of laws(protocol, options)) it(`${protocol.name}: ${law.name}`, law.check);
  }
});
