import { ProtocolError } from "../../core/index.ts";

/**
 * An error that one side tells the other, in the form of the reference server: thrown by a server's handler, it is
 * what the client gets; a client's request is rejected with it. `code` is `refused`, as for everything that the other
 * side says no to.
 */
export class ErrorReply extends ProtocolError {
  static {
    ErrorReply.prototype.name = "ErrorReply";
  }

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
