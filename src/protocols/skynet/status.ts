import { nameError, ProtocolError } from "../../core/index.ts";

/** The statuses of login and message server, by number. */
export const STATUS_LINES = {
  200: "200 OK",
  400: "400 Bad Request",
  401: "401 Unauthorized",
  403: "403 Forbidden",
  404: "404 User Not Found",
  406: "406 Not Acceptable",
} as const;

/** What the message server says to an index that was used before. */
export const INDEX_EXPIRED = "403 Index Expired";

/**
 * The server has refused a login or a handshake: a ProtocolError `refused` with the number of its status.
 *
 * | status | login server | message server |
 * |---|---|---|
 * | 400 | no status of today's servers | the index or the HMAC cannot be read |
 * | 401 | wrong token, password or proof | wrong HMAC: another secret |
 * | 403 | the game server refuses | the index was used before |
 * | 404 | - | no such login, or no longer |
 * | 406 | the same user is logging in at this moment | - |
 */
export class StatusError extends ProtocolError {
  /** Number of the status. */
  readonly status: number;

  /**
   * @param status - number of the status
   */
  constructor(status: number) {
    super("refused", `the server answered with status ${status}`);
    this.status = status;
  }
}

nameError(StatusError, "StatusError", (error) => "status" in error);

/** The number at the beginning of a status; undefined if the text is none. A line of base64 may begin with digits, too. */
export function statusOf(text: string): number | undefined {
  return /^\d{3} /.test(text) ? Number(text.slice(0, 3)) : undefined;
}
