import { inject } from "vitest";
import { webSocketTests } from "../support/web-socket-tests.ts";

webSocketTests((path) => new WebSocket(inject("wsUrl") + path), { strict: true });
