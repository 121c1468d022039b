import { nameError, ProtocolError } from "../../core/index.ts";

/**
 * An error that one side sends to the other, in the form of the reference server. Throw it in a
 * server's handler: the client's request is rejected with it. `code` is `refused`.
 */
export class ErrorReply extends ProtocolError {
  /** The reason, for programs: `"NO_SUCH_PLAYER"`. */
  readonly reply: string;
  /** The reason for humans, as sent. */
  readonly text: string;

  /**
   * @param reply - the reason, for programs
   * @param text - the reason for humans
   */
  constructor(reply: string, text = "") {
    super("refused", text === "" ? reply : `${reply}: ${text}`);
    this.reply = reply;
    this.text = text;
  }
}

nameError(ErrorReply, "ErrorReply");
