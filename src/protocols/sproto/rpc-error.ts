import { nameError, ProtocolError, type ProtocolErrorCode } from "../../core/index.ts";

/** The call that an error belongs to, as far as it is known. */
export interface RpcPlace {
  /** Name of the protocol. */
  readonly protocol?: string | undefined;
  /** Tag of the protocol: all that is known of one that is not in the schema. */
  readonly tag?: number | bigint | undefined;
  /** The session; undefined for a call that wants no answer. */
  readonly session?: number | bigint | undefined;
}

/** A ProtocolError of one call. Its message and its fields name the protocol and the session. */
export class RpcError extends ProtocolError implements RpcPlace {
  /** Name of the protocol. */
  readonly protocol?: string | undefined;
  /** Tag of the protocol: all that is known of one that is not in the schema. */
  readonly tag?: number | bigint | undefined;
  /** The session; undefined for a call that wants no answer. */
  readonly session?: number | bigint | undefined;
  /** Of a request that was rejected: false if it certainly was not sent. */
  readonly sent?: boolean | undefined;

  /**
   * @param code - `malformed` for what the peer did, `unencodable` for what the caller did, `timeout`, `closed`
   * @param message - one sentence; protocol and session are appended
   * @param place - which call
   * @param cause - the error underneath
   * @param sent - of a request: whether it was sent
   */
  constructor(
    code: ProtocolErrorCode,
    message: string,
    place: RpcPlace,
    cause?: unknown,
    sent?: boolean,
  ) {
    const { protocol, tag, session } = place;
    const parts = [];
    if (protocol !== undefined) parts.push(`protocol ${protocol}`);
    else if (tag !== undefined) parts.push(`protocol tag ${tag}`);
    if (session !== undefined) parts.push(`session ${session}`);
    const where = parts.length > 0 ? ` (${parts.join(", ")})` : "";
    super(code, `${message}${where}`, undefined, { cause });
    this.protocol = protocol;
    this.tag = tag;
    this.session = session;
    this.sent = sent;
  }
}

nameError(RpcError, "RpcError");
