import { createFileRegistry, type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import protobuf from "protobufjs";
import descriptor from "protobufjs/ext/descriptor.js";
import { readText } from "../../../support/package.ts";

/** The messages of samples.proto as protobufjs types. */
const root: protobuf.Root = protobuf.parse(
  readText("test/unit/protocols/protobuf/samples.proto"),
).root;

export const typeOf = (name: string): protobuf.Type => root.lookupType(`samples.${name}`);

interface DescribedMessage {
  readonly name: string;
  readonly field?: readonly { typeName?: string }[];
  readonly nestedType?: readonly DescribedMessage[];
}

/**
 * Qualifies type names: protobufjs names types relative to their place, protobuf-es requires full
 * names.
 */
function qualify(message: DescribedMessage, scope: string): void {
  const own = `${scope}.${message.name}`;
  for (const field of message.field ?? []) {
    if (!field.typeName) continue;
    const isNested = message.nestedType?.some(({ name }) => field.typeName?.endsWith(name));
    field.typeName = `${isNested ? own : ".samples"}.${field.typeName.split(".").pop()}`;
  }
  for (const nested of message.nestedType ?? []) qualify(nested, own);
}

// The same file for protobuf-es: protobufjs describes it in bytes, like protoc.
const set = (
  root.resolveAll() as protobuf.Root & { toDescriptor(edition: string): protobuf.Message }
).toDescriptor("proto3") as protobuf.Message & {
  file: readonly { messageType: readonly DescribedMessage[] }[];
};
for (const file of set.file) {
  for (const message of file.messageType) qualify(message, ".samples");
}
const described = descriptor.FileDescriptorSet.encode(set).finish();
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, described));

/** The messages of samples.proto as @bufbuild/protobuf schemas. */
export function schemaOf(name: string): DescMessage {
  const schema = registry.getMessage(`samples.${name}`);
  if (schema === undefined) throw new Error(`no message ${name}`);
  return schema;
}

/** Runs code that must fail, and returns the error. */
export function errorOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}
