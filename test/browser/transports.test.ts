import { inject } from "vitest";
import { attachWebSocket } from "../../src/transports/web/index.ts";
import { wire } from "../support/transport-server.ts";
import { describeTransport } from "../support/transport-vitest.ts";

for (const boundary of ["message", "stream"] as const) {
  describeTransport({
    name: `WebSocket of the browser, ${boundary} boundary`,
    boundary,
    pauses: false,
    halfCloses: false,
    codes: { malformed: 4002, tooLong: 4009 },
    connect: (options) =>
      attachWebSocket(new WebSocket(`${inject("wsUrl")}/suite-${boundary}`), wire, {
        ...options,
        boundary,
      }),
  });
}
