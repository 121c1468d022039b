/** A socket that can be closed immediately. */
interface Terminable {
  terminate?(): void;
}

/**
 * Calls `abort` when the program calls `terminate` of the socket, so that a handler that does so receives none
 * of the messages that have already arrived.
 */
export function abortOnTerminate(socket: Terminable, abort: () => void): void {
  const { terminate } = socket;
  if (terminate === undefined) return;
  let isAborting = false;
  let isDone = false;
  socket.terminate = () => {
    // `abort` calls `terminate` too.
    if (!isAborting) {
      isAborting = true;
      abort();
    }
    if (isDone) return;
    isDone = true;
    Reflect.apply(terminate, socket, []);
  };
}
