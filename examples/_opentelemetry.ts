// Turns the events of `trace` into OpenTelemetry data: a span for each connection and each request, and
// metrics by protocol. It needs only `@opentelemetry/api`; the SDK of your program decides where spans and
// metrics go.
//
//   accepted, connecting, opened ......................... closed      span "chat connection"
//                    asked ...... answered, unanswered                 span "chat request", a child of it
import {
  context,
  type Meter,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace as traces,
} from "@opentelemetry/api";
import { ProtocolError, type Trace, type TraceEvent } from "framewright";

/** Attributes of OpenTelemetry's semantic conventions. */
const NAME = "network.protocol.name";
const PEER = "network.peer.address";
const ERROR = "error.type";

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const kindOf = (error: unknown): string => {
  if (error instanceof ProtocolError) return error.code;
  const { code, name } = Object(error) as { readonly code?: unknown; readonly name?: unknown };
  return String(code ?? name ?? typeof error);
};

/**
 * Makes the function for the option `trace` of servers, connections and sessions.
 *
 * @param tracer - makes a span for each connection, and for each request
 * @param meter - counts bytes and messages, and measures the duration of requests
 */
export function openTelemetry(tracer: Tracer, meter: Meter): Trace {
  const io = meter.createCounter("framewright.io", { unit: "By" });
  const messages = meter.createCounter("framewright.messages");
  const connections = meter.createUpDownCounter("framewright.connections");
  const refused = meter.createCounter("framewright.refused");
  const durations = meter.createHistogram("framewright.request.duration", { unit: "ms" });
  /**
   * Spans of connections, and of requests by number; those of a session without a connection are stored by
   * its name.
   */
  const spans = new Map<unknown, Span>();
  const open = new Set<unknown>();
  const requests = new Map<unknown, Map<number, Span>>();

  const spanOf = ({ connection, name }: TraceEvent): Span | undefined => {
    if (connection === undefined) return undefined;
    let span = spans.get(connection);
    if (span === undefined) {
      span = tracer.startSpan(`${name} connection`, { attributes: { [NAME]: name } });
      spans.set(connection, span);
    }
    return span;
  };
  const failed = (span: Span | undefined, error: unknown): void => {
    span?.setAttribute(ERROR, kindOf(error));
    span?.setStatus({ code: SpanStatusCode.ERROR, message: textOf(error) });
  };
  const requestsOf = ({ connection, name }: TraceEvent): Map<number, Span> => {
    const known = requests.get(connection ?? name) ?? new Map<number, Span>();
    requests.set(connection ?? name, known);
    return known;
  };
  /** A session may have lost its connection already. */
  const takeRequest = (event: TraceEvent, id: number | undefined): Span | undefined => {
    if (id === undefined) return undefined;
    const table = requestsOf(event);
    const span = table.get(id);
    table.delete(id);
    return span;
  };

  return (event) => {
    const attributes = { [NAME]: event.name };
    switch (event.type) {
      case "connecting":
      case "accepted": {
        const peer = event.type === "accepted" ? event.from : event.to;
        if (peer !== undefined) spanOf(event)?.setAttribute(PEER, peer);
        break;
      }
      case "opened":
        spanOf(event)?.addEvent("opened");
        open.add(event.connection);
        connections.add(1, attributes);
        break;
      case "received":
      case "sent":
        io.add(event.bytes.length, { ...attributes, "network.io.direction": event.type });
        break;
      case "message":
      case "queued":
        messages.add(1, { ...attributes, direction: event.type === "message" ? "in" : "out" });
        break;
      case "lookup":
      case "secured":
      case "missed":
        spanOf(event)?.addEvent(event.type);
        break;
      case "stuck":
        spanOf(event)?.addEvent("stuck", { ms: event.ms, unread: event.unread });
        break;
      case "skipped":
        spanOf(event)?.addEvent("skipped", { length: event.skipped.length });
        break;
      case "error":
        failed(spanOf(event), event.error);
        break;
      case "closed": {
        const span = spanOf(event);
        span?.setAttribute("framewright.closed.by", event.info.by);
        if (event.info.error !== undefined) failed(span, event.info.error);
        span?.end();
        spans.delete(event.connection);
        if (open.delete(event.connection)) connections.add(-1, attributes);
        break;
      }
      case "refused":
        refused.add(1, { ...attributes, [ERROR]: kindOf(event.error) });
        break;
      case "asked": {
        const parent = spanOf(event);
        const within = parent && traces.setSpan(context.active(), parent);
        const options = { kind: SpanKind.CLIENT, attributes: { ...attributes, id: event.id } };
        requestsOf(event).set(event.id, tracer.startSpan(`${event.name} request`, options, within));
        break;
      }
      case "answered": {
        const span = takeRequest(event, event.id);
        if (event.error !== undefined) failed(span, event.error);
        span?.end();
        durations.record(event.ms, attributes);
        break;
      }
      case "unanswered": {
        const span = takeRequest(event, event.id);
        failed(span, event.error);
        span?.end();
        break;
      }
      case "retry":
        traces.getActiveSpan()?.addEvent("retry", { failures: event.failures, delay: event.delay });
        break;
      default:
        break;
    }
  };
}
