/** Converts a name to Kaitai's style: `packetLength` becomes `packet_length`. */
export function snake(name: string): string {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/[^A-Za-z0-9_]/g, "_")
    .toLowerCase();
  return /^[a-z]/.test(words) ? words : `f_${words}`.replace(/_+/g, "_");
}
