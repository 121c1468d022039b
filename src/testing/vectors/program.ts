/** The members of a child process that are used. */
interface Child {
  readonly stdin: {
    write(text: string): void;
    end(): void;
    on(event: "error", run: () => void): void;
  };
  readonly stdout: {
    setEncoding(encoding: "utf8"): void;
    on(event: "data", run: (text: string) => void): void;
  };
  readonly stderr: {
    setEncoding(encoding: "utf8"): void;
    on(event: "data", run: (text: string) => void): void;
  };
  on(event: "error", run: (error: Error) => void): void;
  on(event: "close", run: (code: number | null) => void): void;
  kill(): void;
}

interface Host {
  readonly process?: {
    getBuiltinModule?(name: string): {
      spawn(program: string, args: readonly string[]): Child;
    };
  };
}

/** An answer of a program, not yet checked. */
export interface Answer {
  readonly hex?: unknown;
  readonly values?: unknown;
  readonly error?: unknown;
}

/** Maximum length of the program's error output in a message. */
const MOST_TROUBLE = 2000;

/** A program that answers lines of JSON with lines of JSON, one at a time. */
export class Program {
  readonly #child: Child;
  readonly #name: string;
  readonly #timeout: number;
  #text = "";
  #trouble = "";
  #over: Error | undefined;
  #waiting: { resolve(line: string): void; reject(error: Error): void } | undefined;
  readonly #closed: Promise<void>;

  constructor(child: Child, name: string, timeout: number) {
    this.#child = child;
    this.#name = name;
    this.#timeout = timeout;
    child.stdout.setEncoding("utf8");
    child.stderr.setEncoding("utf8");
    child.stdout.on("data", (text) => {
      this.#text += text;
      this.#read();
    });
    child.stderr.on("data", (text) => {
      this.#trouble = (this.#trouble + text).slice(-MOST_TROUBLE);
    });
    // The program may have exited before it was asked; `close` reports that.
    child.stdin.on("error", () => {});
    this.#closed = new Promise((resolve) => {
      child.on("error", (error) => {
        this.#end(`cannot be run: ${error.message}`);
        resolve();
      });
      child.on("close", (code) => {
        this.#end(`ended with code ${code}`);
        resolve();
      });
    });
  }

  /** Asks one question. */
  async ask(question: object): Promise<Answer> {
    if (this.#over !== undefined) throw this.#over;
    const timer = setTimeout(
      () => this.#end(`has not answered within ${this.#timeout} ms`),
      this.#timeout,
    );
    try {
      const line = await new Promise<string>((resolve, reject) => {
        this.#waiting = { resolve, reject };
        this.#child.stdin.write(`${JSON.stringify(question)}\n`);
      });
      return answerOf(line, this.#name);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the input of the program, and waits until it exits. */
  async stop(): Promise<void> {
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill(), 1000);
    await this.#closed;
    clearTimeout(timer);
  }

  #read(): void {
    const end = this.#text.indexOf("\n");
    if (end < 0 || this.#waiting === undefined) return;
    const line = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + 1);
    const { resolve } = this.#waiting;
    this.#waiting = undefined;
    resolve(line);
  }

  #end(why: string): void {
    const trouble = this.#trouble.trim();
    this.#over ??= new Error(`${this.#name} ${why}${trouble === "" ? "" : `:\n${trouble}`}`);
    this.#waiting?.reject(this.#over);
    this.#waiting = undefined;
    this.#child.kill();
  }
}

function answerOf(line: string, name: string): Answer {
  let answer: unknown;
  try {
    answer = JSON.parse(line);
  } catch {
    // Reported below.
  }
  if (typeof answer === "object" && answer !== null && !Array.isArray(answer))
    return answer as Answer;
  throw new Error(`${name} answers with a line that is not a JSON object: ${line.slice(0, 200)}`);
}

/** Starts the program. */
export function startProgram(command: readonly string[], timeout: number): Program {
  // Not an import: bundlers for browsers would try to resolve it.
  const processes = (globalThis as Host).process?.getBuiltinModule?.("node:child_process");
  if (processes === undefined) {
    throw new TypeError(
      "conformance runs a program: it needs Node 20.16, 22.3 or newer, Bun or Deno",
    );
  }
  const [program, ...args] = command;
  return new Program(processes.spawn(program!, args), command.join(" "), timeout);
}
