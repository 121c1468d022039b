// Spans and metrics of OpenTelemetry for connections and requests, with the option `trace`: see
// _opentelemetry.ts. Here the SDK keeps them in memory; your program would use exporters that send them
// (OTLP).
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
import { json, lines } from "framewright";
import { connect, listen } from "framewright/node";
import { Requests } from "framewright/session";
import { openTelemetry } from "./_opentelemetry.ts";

const spans = new InMemorySpanExporter();
const metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const tracers = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
const meters = new MeterProvider({
  readers: [new PeriodicExportingMetricReader({ exporter: metrics })],
});
const trace = openTelemetry(tracers.getTracer("chat"), meters.getMeter("chat"));

interface Message {
  readonly id: number;
  readonly text: string;
}
const protocol = lines().wrap(json<Message>(), { name: "chat" });
const server = await listen(protocol, {
  host: "127.0.0.1",
  port: 0,
  message: (peer, { id, text }) => peer.send({ id, text: text.toUpperCase() }),
});
const connection = await connect(protocol, {
  host: "127.0.0.1",
  port: server.port,
  trace,
  message: (_, answer) => void requests.answer(answer.id, answer.text),
});
const requests = new Requests<string>({
  trace,
  name: "chat",
  connection: () => connection as never,
});
connection.onInputEnd((error) => requests.end(error));

console.log(await requests.ask((id) => connection.send({ id, text: "hello" })));
connection.close();
await connection.closed;
await server.close();

for (const span of spans.getFinishedSpans()) {
  const parent = span.parentSpanContext === undefined ? "" : ", within its connection";
  console.log(`${span.name}: ${span.status.code === 2 ? "failed" : "fine"}${parent}`);
}
await meters.forceFlush();
for (const { descriptor, dataPoints } of metrics.getMetrics()[0]!.scopeMetrics[0]!.metrics) {
  for (const { attributes, value } of dataPoints) {
    const direction = attributes["network.io.direction"] ?? attributes.direction;
    const shown = typeof value === "number" ? value : `${value.count} measured`;
    const name = direction === undefined ? descriptor.name : `${descriptor.name} ${direction}`;
    console.log(`${name}: ${shown}`);
  }
}
await meters.shutdown();
await tracers.shutdown();
//=> HELLO
//=> chat request: fine, within its connection
//=> chat connection: fine
//=> framewright.io sent: 24
//=> framewright.io received: 24
//=> framewright.messages out: 1
//=> framewright.messages in: 1
//=> framewright.connections: 0
//=> framewright.request.duration: 1 measured
