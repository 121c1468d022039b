import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { afterEach, describe, expect, it } from "vitest";
import { openTelemetry } from "../../examples/_opentelemetry.ts";
import { skip } from "../../src/framing/index.ts";
import { json, lines } from "../../src/index.ts";
import { Requests } from "../../src/session/index.ts";
import { connect, listen } from "../../src/transports/node/index.ts";

// The recipe of docs/debugging.md, with the real SDK, whose exporters keep everything in memory.

const host = "127.0.0.1";
const chat = lines().wrap(json<unknown>(), { name: "chat" });

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function telemetry() {
  const spans = new InMemorySpanExporter();
  const metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const tracers = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
  const reader = new PeriodicExportingMetricReader({ exporter: metrics });
  const meters = new MeterProvider({ readers: [reader] });
  cleanups.push(
    () => meters.shutdown(),
    () => tracers.shutdown(),
  );
  return {
    trace: openTelemetry(tracers.getTracer("test"), meters.getMeter("test")),
    spans: () => spans.getFinishedSpans(),
    /** The values of a metric, the last time that they were exported. */
    async values(name: string): Promise<unknown[]> {
      await meters.forceFlush();
      const all =
        metrics
          .getMetrics()
          .at(-1)
          ?.scopeMetrics.flatMap((scope) => scope.metrics) ?? [];
      return all
        .filter(({ descriptor }) => descriptor.name === name)
        .flatMap(({ dataPoints }) => dataPoints.map(({ value }) => value));
    },
  };
}

describe("the OpenTelemetry recipe", () => {
  it("makes a span for each connection and each request, including failed ones", async () => {
    const { trace, spans, values } = telemetry();
    const server = await listen(chat, {
      ...{ host, port: 0, trace, onInvalid: skip() },
      message: (peer, value) => void (value === "silence" || peer.send({ id: value })),
    });
    cleanups.push(() => server.close({ timeout: 10 }));
    const connection = await connect(chat, {
      ...{ host, port: server.port, trace },
      message: (_, answer) => void requests.answer((answer as { id: number }).id, "answer"),
      error() {},
    });
    const known = connection as never;
    const requests = new Requests<string>({ trace, name: "chat", connection: () => known });
    expect(await requests.ask((id) => connection.send(id))).toBe("answer");
    const late = requests.ask(() => connection.send("silence"), { timeout: 1 });
    await expect(late).rejects.toThrow("no answer");
    connection.sendFrame(new TextEncoder().encode("no JSON\n"));
    await connection.flushed();
    connection.abort(new Error("enough"));
    await connection.closed;
    await expect.poll(() => spans().length).toBe(4);
    const own = spans().find(
      ({ name, status }) => name === "chat connection" && status.message === "enough",
    )!;
    expect(own.attributes).toMatchObject({
      "network.protocol.name": "chat",
      "network.peer.address": `${host}:${server.port}`,
      "framewright.closed.by": "error",
      "error.type": "Error",
    });
    const asked = spans().filter(({ name }) => name === "chat request");
    expect(asked.map(({ status }) => status)).toEqual([
      { code: 0 },
      { code: 2, message: "no answer within 1 ms" },
    ]);
    for (const { parentSpanContext } of asked) {
      expect(parentSpanContext?.spanId).toBe(own.spanContext().spanId);
    }
    const other = spans().find((span) => span.name === "chat connection" && span !== own)!;
    expect(other.events.map(({ name }) => name)).toEqual(["opened", "skipped"]);
    expect(await values("framewright.connections")).toEqual([0]);
    expect(await values("framewright.request.duration")).toMatchObject([{ count: 1 }]);
  });

  it("counts bytes, messages, and connections that a server refuses", async () => {
    const { trace, values } = telemetry();
    const server = await listen(chat, { host, port: 0, trace, maxConnections: 1, message() {} });
    cleanups.push(() => server.close({ timeout: 10 }));
    const first = await connect(chat, { host, port: server.port, message() {} });
    first.send([1, 2]);
    const second = await connect(chat, { host, port: server.port, message() {}, error() {} });
    await second.closed;
    await expect.poll(() => values("framewright.refused")).toEqual([1]);
    await expect.poll(() => values("framewright.io")).toEqual([6]);
    expect(await values("framewright.messages")).toEqual([1]);
    expect(await values("framewright.connections")).toEqual([1]);
  });
});
