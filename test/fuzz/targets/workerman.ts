import { perMessage } from "../../../src/framing/index.ts";
import {
  binaryTransfer,
  frame,
  gatewayProtocol,
  jsonInt,
  jsonNL,
  phpJson,
  text,
  textTransfer,
  xml10,
} from "../../../src/protocols/workerman/index.ts";
import { defineCase, type Target, targetOf } from "../check.ts";

const maxFrame = 600;
const bodies = [Uint8Array.of(), Uint8Array.of(1, 2, 3)];
const texts = ["", "hello", "é€😀"];
const values = [null, { a: [1, "é", 2.5], b: {} }];

export const target: Target = targetOf([
  defineCase({ name: "frame", protocol: frame({ maxFrame }), values: bodies }),
  // A line that ends in CR is read, but not written.
  defineCase({ name: "text", protocol: text({ maxFrame }), values: texts, rewrites: false }),
  defineCase({ name: "jsonNL", protocol: jsonNL({ maxFrame }), values }),
  // An object whose keys JavaScript sorts to 0 .. n-1 becomes a list.
  defineCase({
    name: "jsonNL of PHP",
    protocol: jsonNL({ maxFrame, phpJson: true }),
    values,
    settles: true,
  }),
  defineCase({ name: "jsonInt", protocol: jsonInt({ maxFrame }), values }),
  defineCase({
    name: "jsonInt of PHP",
    protocol: jsonInt({ maxFrame, phpJson: true }),
    values,
    settles: true,
  }),
  defineCase({
    name: "phpJson",
    protocol: perMessage({ maxFrame }).wrap(phpJson()),
    values,
    settles: true,
  }),
  defineCase({ name: "xml10", protocol: xml10({ maxFrame }), values: texts }),
  defineCase({
    name: "binaryTransfer",
    protocol: binaryTransfer({ maxFrame, side: "server" }),
    values: [],
    rewrites: false,
  }),
  defineCase({
    name: "textTransfer",
    protocol: textTransfer({ maxFrame, side: "server" }),
    values: [],
    rewrites: false,
  }),
  defineCase({
    name: "gateway",
    protocol: gatewayProtocol({ maxFrame }),
    values: [],
    rewrites: false,
  }),
]);
