/**
 * Sockets of Node, Bun and Deno: `listen`, `connect`, and `attach` for an existing stream.
 *
 * @packageDocumentation
 */

// Types of the results of the functions below, so that declaration files can name them.
export type { Connection } from "../../core/index.ts";
export {
  type PipeConnection,
  type PipeOptions,
  type PipeTap,
  pipe,
  type Reconnecting,
  type ReconnectOptions,
  type TapBytes,
  type TapDecoder,
  type TapSide,
} from "../../session/index.ts";
export type {
  Address,
  AddressOf,
  ClientTls,
  ConnectSettings,
  KeepAlive,
  ListenSettings,
  PathAddress,
  ServerTls,
  TcpAddress,
} from "./address.ts";
export { attach, detachSocket, type SilenceOptions, type SocketOptions } from "./attach.ts";
export { type ConnectOptions, connect, type ReconnectingConnectOptions } from "./connect.ts";
export {
  attachDatagram,
  type DatagramEndpoint,
  type DatagramHandlers,
  type Peer,
} from "./datagram.ts";
export {
  type Dropped,
  type ListenOptions,
  listen,
  type PortOf,
  type Server,
  type ServerCloseOptions,
} from "./listen.ts";
export {
  type ConnectDatagramOptions,
  connectDatagram,
  type DatagramSocketOptions,
  type ListenDatagramOptions,
  listenDatagram,
} from "./open-datagram.ts";
export type { ProxyProtocolOptions } from "./proxy-front.ts";
export {
  type ProxyEndpoint,
  type ProxyHeader,
  type ProxyTlv,
  proxyHeader,
} from "./proxy-header.ts";
export { type StartTlsOptions, startTls, type TlsSide } from "./start-tls.ts";
export type { StreamPair } from "./stream-sink.ts";
export {
  type DecoderTransformOptions,
  decoderTransform,
  encoderTransform,
  type TransformOptions,
} from "./transforms.ts";
