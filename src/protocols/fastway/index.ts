/**
 * Protocols of fastway, a gateway between clients and servers with many virtual connections on each
 * physical one, in both dialects (2016 and 2017). Also the message codecs of link, which
 * applications use on top of it.
 *
 * @packageDocumentation
 */

// Return types of the functions below, so that declaration files of programs can name them.
export type { Connection, Handlers, Protocol } from "../../core/index.ts";
export type { Field } from "../../fields/index.ts";
export type { WrappingFraming } from "../../framing/index.ts";
export { fastwayClient } from "./client.ts";
export { type CommandOptions, command } from "./command.ts";
export type {
  AcceptCommand,
  CloseCommand,
  Command,
  ConnectCommand,
  DialCommand,
  Dialect,
  EndpointCommand,
  GatewayCommand,
  NewCommand,
  OpenCommand,
  PingCommand,
  ReceivedBy,
  RefuseCommand,
  SentBy,
  Side,
} from "./commands.ts";
export type { FastwayLink } from "./endpoint.ts";
export type { DialOptions, EndpointOptions, FastwayEndpoint } from "./endpoint-options.ts";
export {
  type FastwayMessage,
  type FastwayOptions,
  type FastwayProtocol,
  fastway,
} from "./fastway.ts";
export {
  commandFields,
  type FastwayFieldsOptions,
  fastwayFields,
  packetFields,
} from "./fastway-fields.ts";
export { fastwayGateway } from "./gateway.ts";
export type {
  FastwayGateway,
  GatewayCounters,
  GatewayOptions,
  GatewayPeer,
} from "./gateway-options.ts";
export { answerChallenge, verifyAnswer } from "./handshake.ts";
export { type LinkFixlenOptions, linkFixlen } from "./link-fixlen.ts";
export { linkFixlenFields } from "./link-fixlen-fields.ts";
export {
  type LinkJsonOptions,
  type LinkMessage,
  type LinkMessageOf,
  type LinkTypes,
  linkJson,
} from "./link-json.ts";
export { type Packet, type PacketOptions, packet } from "./packet.ts";
export { fastwayServer, type ServerOptions } from "./server.ts";
export type {
  VirtualConnection,
  VirtualHandlers,
  VirtualIds,
  VirtualOptions,
} from "./virtual-connection.ts";
