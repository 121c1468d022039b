declare module "*/unpack.mjs" {
  /** Unpacks at most so many bytes. @throws if it cannot */
  export function unpack(
    method: "zlib" | "brotli",
    bytes: Uint8Array,
    maxLength: number,
  ): Uint8Array;
}
