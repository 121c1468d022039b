import {
  type Arbitrary,
  constantFrom,
  dictionary,
  type JsonValue,
  jsonValue,
  oneof,
} from "fast-check";

/**
 * JSON values that survive a round trip through JSON text: without -0 and lone surrogates. They include
 * cases that codecs often get wrong: keys like `__proto__` and `10`, empty keys, nesting, strings with line
 * ends and characters of every Unicode plane.
 */
export function jsonValues(): Arbitrary<JsonValue> {
  const any = jsonValue({ stringUnit: "binary" }).map(faithful);
  return oneof(
    { arbitrary: any, weight: 5 },
    { arbitrary: dictionary(constantFrom(...KEYS), any, { maxKeys: 4 }), weight: 2 },
    { arbitrary: constantFrom(...AWKWARD).map((text) => JSON.parse(text) as JsonValue), weight: 1 },
  );
}

const KEYS = ["__proto__", "constructor", "toString", "toJSON", "length", "", "0", "10", "2", "-1"];

const AWKWARD = [
  "[]",
  "{}",
  '""',
  '{"__proto__":{"a":1}}',
  '{"2":"b","10":"c","1":"a","":0}',
  '{"a":"\\r\\n","b":"\\u2028\\u0000"}',
  "[[[[[[[[[[[[]]]]]]]]]]]]",
  "[9007199254740991,-9007199254740991,1e-7,1.5e300,5e-324]",
  '["\\ufeff","\\ud83d\\ude00"]',
];

/** JSON has a negative zero, but `JSON.stringify` does not write it. */
function faithful(value: JsonValue): JsonValue {
  return JSON.parse(JSON.stringify(value)) as JsonValue;
}
