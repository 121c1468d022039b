// Longer texts do not help the reader.
const LONGEST = 800;
/** Maximum number of bytes or other numbers in a row to show; the rest is counted. */
const MOST_NUMBERS = 32;
const DEEPEST = 12;

/**
 * A value as text, in JavaScript notation; bytes after the first few, and text after `longest`, are only
 * counted.
 * @internal
 */
export function shown(value: unknown, longest: number = LONGEST): string {
  const text = textOf(value, []);
  if (text.length <= longest) return text;
  return `${text.slice(0, longest)}... (${text.length - longest} characters more)`;
}

function textOf(value: unknown, above: readonly object[]): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "bigint":
      return `${value}n`;
    case "function":
      return `function ${value.name}`;
    case "object":
      if (value === null) return "null";
      if (above.includes(value)) return "[circle]";
      if (above.length > DEEPEST) return "...";
      return objectText(value, [...above, value]);
    default:
      return String(value);
  }
}

function objectText(value: object, above: readonly object[]): string {
  const inner = (item: unknown): string => textOf(item, above);
  const listed = (items: Iterable<unknown>): string => `[${Array.from(items, inner).join(",")}]`;
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    const numbers = value as unknown as ArrayLike<unknown>;
    const kind = Object.prototype.toString.call(value).slice(8, -1);
    return `${kind}.from([${numbersText(numbers, inner)}])`;
  }
  if (Array.isArray(value)) return arrayText(value, inner);
  if (value instanceof Map) return `new Map(${listed(value)})`;
  if (value instanceof Set) return `new Set(${listed(value)})`;
  if (value instanceof Date) {
    return Number.isNaN(value.getTime())
      ? "new Date(NaN)"
      : `new Date(${JSON.stringify(value.toISOString())})`;
  }
  if (value instanceof ArrayBuffer) return `${inner(new Uint8Array(value))}.buffer`;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  const own = ownText(value);
  if (own !== undefined) return own;
  const members = Reflect.ownKeys(value)
    .filter((name) => Object.prototype.propertyIsEnumerable.call(value, name))
    .map((name) => {
      const key = typeof name === "symbol" ? `[${String(name)}]` : JSON.stringify(name);
      const member = inner((value as Record<PropertyKey, unknown>)[name]);
      return `${name === "__proto__" ? `[${key}]` : key}:${member}`;
    });
  return `{${members.join(",")}}`;
}

/** Shortens long lists of numbers, but not other lists, because their items may matter. */
function arrayText(list: readonly unknown[], inner: (item: unknown) => string): string {
  if (list.length > 2 * MOST_NUMBERS && list.every((item) => typeof item === "number")) {
    return `[${numbersText(list, inner)}]`;
  }
  return `[${Array.from(list, inner).join(",")}]`;
}

function numbersText(list: ArrayLike<unknown>, inner: (item: unknown) => string): string {
  if (list.length <= 2 * MOST_NUMBERS) return Array.from(list, inner).join(",");
  const first = Array.from({ length: MOST_NUMBERS }, (_, i) => inner(list[i]));
  return `${first.join(",")}, ... ${list.length - MOST_NUMBERS} more`;
}

/** The text of objects with their own `toString`, for example the scripts of fast-check. */
function ownText(value: object): string | undefined {
  const write: unknown = "toString" in value ? value.toString : undefined;
  if (typeof write !== "function" || write === Object.prototype.toString) return undefined;
  try {
    const text: unknown = write.call(value);
    return typeof text === "string" ? text : undefined;
  } catch {
    return undefined;
  }
}
