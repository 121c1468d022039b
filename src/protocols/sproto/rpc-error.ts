import { nameError, ProtocolError, type ProtocolErrorCode } from "../../core/index.ts";

/** The call that an error belongs to, as far as known. */
export interface RpcPlace {
  /** Name of the protocol. */
  readonly protocol?: string | undefined;
  /** Tag of the protocol, if it is not in the schema. */
  readonly tag?: number | bigint | undefined;
  /** The session; undefined for a call without an answer. */
  readonly session?: number | bigint | undefined;
}

/** A ProtocolError of one call. Its message and properties name the protocol and the session. */
export class RpcError extends ProtocolError implements RpcPlace {
  /** Name of the protocol. */
  readonly protocol?: string | undefined;
  /** Tag of the protocol, if it is not in the schema. */
  readonly tag?: number | bigint | undefined;
  /** The session; undefined for a call without an answer. */
  readonly session?: number | bigint | undefined;
  /** For a rejected request: false if it was certainly not sent. */
  readonly sent?: boolean | undefined;

  /**
   * @param code - `malformed` for an error of the peer, `unencodable` for one of the caller,
   *   `timeout`, `closed`
   * @param message - one sentence; protocol and session are appended
   * @param place - the call
   * @param cause - the underlying error
   * @param sent - for a request: whether it was sent
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
