import { nameError, ProtocolError } from "../../core/index.ts";

/**
 * An error that one side sends to the other, in the form of the reference server. Throw it in a server's
 * handler: the client's request is rejected with it. `code` is `refused`, as for every refusal of the
 * other side.
 */
export class ErrorReply extends ProtocolError {
  /** What went wrong, for programs: `"NO_SUCH_PLAYER"`. */
  readonly reply: string;
  /** The same for people, as it was sent. */
  readonly text: string;

  /**
   * @param reply - what went wrong, for programs
   * @param text - the same for people
   */
  constructor(reply: string, text = "") {
    super("refused", text === "" ? reply : `${reply}: ${text}`);
    this.reply = reply;
    this.text = text;
  }
}

nameError(ErrorReply, "ErrorReply");
