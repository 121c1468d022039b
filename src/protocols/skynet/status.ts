import { nameError, ProtocolError } from "../../core/index.ts";

/** Statuses of login and message server, by number. */
export const STATUS_LINES = {
  200: "200 OK",
  400: "400 Bad Request",
  401: "401 Unauthorized",
  403: "403 Forbidden",
  404: "404 User Not Found",
  406: "406 Not Acceptable",
} as const;

/** The message server's status for an index that was used before. */
export const INDEX_EXPIRED = "403 Index Expired";

/**
 * The error of a login or handshake that the server refused: a ProtocolError `refused` with the
 * number of its status.
 *
 * | status | login server | message server |
 * |---|---|---|
 * | 400 | not used by current servers | the index or the HMAC cannot be read |
 * | 401 | wrong token, password or proof | wrong HMAC: another secret |
 * | 403 | the game server refuses | the index was used before |
 * | 404 | - | no such login, or it has ended |
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

/**
 * Returns the number at the start of a status; undefined if the text is not one. A line of base64
 * may begin with digits, too.
 */
export function statusOf(text: string): number | undefined {
  return /^\d{3} /.test(text) ? Number(text.slice(0, 3)) : undefined;
}
