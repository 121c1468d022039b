import { command, packet } from "../../src/protocols/fastway/index.ts";
import { goim } from "../../src/protocols/goim/index.ts";
import { fastwayCommands, fastwayPackets, goimPackets, laws } from "../../src/testing/index.ts";
import { keeps } from "../support/laws.ts";

// What the kit makes for known protocols is what these write and read.
const runs = { runs: 40, canonical: true };
keeps("goimPackets", laws(goim({ maxFrame: 4096 }), goimPackets(), runs));
keeps("fastwayPackets", laws(packet({ maxPacket: 600 }), fastwayPackets({ max: 596 }), runs));
for (const dialect of ["v1", "v2"] as const) {
  // Bytes behind the arguments of a command are ignored, so other bytes may mean the same.
  keeps(
    `fastwayCommands ${dialect}`,
    laws(command({ dialect }), fastwayCommands(dialect), {
      ...runs,
      canonical: false,
      ignores: (bytes, at) => at === bytes.length,
    }),
  );
}
