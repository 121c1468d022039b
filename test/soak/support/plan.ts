// What every peer of the TCP soak does, life after life: drawn from one seed and from nothing else, so that both
// processes know it, and no matter who comes first.

/** Those that must not lose anything. */
export const STEADY = ["good", "uploader", "slowReader", "slowWriter"] as const;
/** Those that a server meets every day. */
const FAULTY = ["cutOff", "reset"] as const;
/** Those that mean harm. */
const HOSTILE = ["garbage", "gigabyte", "notJson", "never", "silent", "glutton"] as const;

/** What kind of peer. */
export type Kind = (typeof STEADY)[number] | (typeof FAULTY)[number] | (typeof HOSTILE)[number];

/** A peer's question, with a text of its own. */
export interface Request {
  readonly id: number;
  readonly life: number;
  readonly n: number;
  /** How long a text the answer is to have. */
  readonly want: number;
  readonly pad: string;
}

/** The server's answer. */
export type Answer = Omit<Request, "want">;

/** One life of a peer: a connection from its beginning to its end. */
export interface Life {
  readonly kind: Kind;
  readonly id: number;
  readonly life: number;
  /** How many requests it sends in each burst. Who does harm sends these whole ones first. */
  readonly bursts: readonly number[];
}

/** Everything that is decided. */
export interface Plan {
  life(id: number, life: number): Life;
  request(id: number, life: number, n: number): Request;
  answer(request: Request): Answer;
  /** A number from 0 to `most`, for one purpose in one life. */
  upTo(most: number, purpose: string, ...numbers: number[]): number;
}

/** Most bytes of a frame, its length included. */
export const MAX_FRAME = 65_536;
const LONG = 60_000;

/** How a kind talks: most bursts, requests in each, and the longest texts. */
interface Habit {
  readonly least: number;
  readonly most: number;
  readonly size: number;
  readonly pad: number;
  readonly want: number;
}

const few = { least: 0, most: 3, size: 1, pad: 50, want: 50 };
const none = { least: 0, most: 0, size: 1, pad: 0, want: 0 };
const HABITS: Readonly<Record<Kind, Habit>> = {
  good: { least: 1, most: 20, size: 8, pad: 300, want: 300 },
  // Long requests, one behind the other.
  uploader: { least: 1, most: 4, size: 16, pad: LONG, want: 50 },
  // Asks for more than the sockets hold, in more bytes than the server keeps unread, and lets the answers lie.
  slowReader: { least: 1, most: 2, size: 128, pad: 10_000, want: LONG },
  // A few bytes at a time.
  slowWriter: { least: 1, most: 8, size: 4, pad: 60, want: 300 },
  cutOff: { ...few, least: 1, most: 5 },
  reset: { ...few, least: 1, most: 5 },
  garbage: few,
  gigabyte: few,
  notJson: few,
  never: none,
  silent: none,
  // Asks without end and never reads.
  glutton: { ...none, want: LONG },
};

/** One of so many requests of a good peer is long, and so is its answer. */
const ONE_IS_LONG = 64;

/** Mixes numbers into one of 32 bits; as good as random, and always the same. */
function mix(numbers: readonly number[], from = 0x811c9dc5): number {
  let hash = from;
  for (const number of numbers) {
    hash = Math.imul(hash ^ number, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash ^= hash >>> 16;
  }
  return hash >>> 0;
}

/** Letters that texts are cut from: two pieces are hardly ever alike. */
const LETTERS: string = Array.from({ length: 2 ** 17 }, (_, i) =>
  String.fromCharCode(97 + (mix([i]) % 26)),
).join("");

/**
 * @param seed decides everything
 * @param isBrief fewer bursts, for a soak of a few seconds
 */
export function planOf(seed: number, isBrief = false): Plan {
  /** Where to begin for a purpose: so that no two have the same numbers. */
  const beginnings = new Map<string, number>();
  const draw = (below: number, purpose: string, ...numbers: number[]): number => {
    let beginning = beginnings.get(purpose);
    if (beginning === undefined) {
      beginning = mix([seed, ...Array.from(purpose, (letter) => letter.charCodeAt(0))]);
      beginnings.set(purpose, beginning);
    }
    return mix(numbers, beginning) % below;
  };
  const text = (length: number, ...which: number[]): string => {
    const at = draw(LETTERS.length - LONG, "text", ...which);
    return LETTERS.slice(at, at + length);
  };
  const kindOf = (id: number, life: number): Kind => {
    const place = id % 20;
    if (place < 10) return "good";
    if (place < 11) return "uploader";
    if (place < 12) return "slowReader";
    if (place < 14) return "slowWriter";
    if (place < 16) return "cutOff";
    if (place < 17) return "reset";
    // One after the other, so that few lives are enough to see all of them.
    return HOSTILE[(draw(HOSTILE.length, "hostile", id) + life) % HOSTILE.length]!;
  };
  return {
    life(id, life) {
      const kind = kindOf(id, life);
      const { least, most, size } = HABITS[kind];
      const more = isBrief ? Math.ceil((most - least) / 4) : most - least;
      const length = least + draw(more + 1, "bursts", id, life);
      return { kind, id, life, bursts: Array.from({ length }, () => size) };
    },
    request(id, life, n) {
      const kind = kindOf(id, life);
      const { pad, want } = HABITS[kind];
      const isLong = kind === "good" && draw(ONE_IS_LONG, "long", id, life, n) === 0;
      const [mostPad, mostWant] = isLong ? [LONG, LONG] : [pad, want];
      // Who reads slowly, or never, must feel it: no short answers.
      const isHeavy = want === LONG;
      return {
        id,
        life,
        n,
        want: isHeavy ? want : draw(mostWant + 1, "want", id, life, n),
        pad: text(draw(mostPad + 1, "pad", id, life, n), 0, id, life, n),
      };
    },
    answer: ({ id, life, n, want }) => ({ id, life, n, pad: text(want, 1, id, life, n) }),
    upTo: (most, purpose, ...numbers) => draw(most + 1, purpose, ...numbers),
  };
}

/** Length of its frame: four bytes, and JSON with nothing but ASCII in it. */
export function lengthOf(value: Request | Answer): number {
  return 4 + JSON.stringify({ ...value, pad: "" }).length + value.pad.length;
}

/** What is not as planned of a message, in words; undefined where all of it is. */
export function difference<T extends Request | Answer>(found: T, planned: T): string | undefined {
  for (const key of Object.keys({ ...planned, ...found }) as (keyof T)[]) {
    if (found[key] === planned[key]) continue;
    const [one, other] = [found[key], planned[key]].map((value) => String(value).slice(0, 20));
    return `${String(key)} is ${one}, not ${other}`;
  }
  return undefined;
}
