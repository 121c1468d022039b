import { type Field, protocolOf } from "../../src/fields/index.ts";
import type { Protocol } from "../../src/index.ts";
import {
  answerFields,
  answerPackages,
  handshakeFields,
  handshakePackages,
  loginLines,
  requestFields,
  requestPackages,
} from "../../src/protocols/skynet/index.ts";
import { agreement, laws, refusedOf, text, valuesOf } from "../../src/testing/index.ts";
import { keeps } from "../support/laws.ts";

/* The packages by hand and as descriptions: they must agree on values, bytes and errors. */

function agree<T>(name: string, field: Field<T>, byHand: Protocol<T>): void {
  const { maxFrame } = byHand;
  const described = protocolOf(field, { name, maxFrame });
  const values = valuesOf(field, { max: 200 });
  const refused = refusedOf(field, { max: 200 });
  keeps(`skynet ${name}, by hand`, laws(byHand, values, { runs: 30, canonical: true, refused }));
  keeps(`skynet ${name}, described`, laws(described, values, { runs: 20 }));
  keeps(
    `skynet ${name}, described and by hand`,
    agreement<T, T>(described, byHand, values, { runs: 60, refused }),
  );
}

agree("requests", requestFields(), requestPackages());
agree("answers", answerFields(), answerPackages());
agree("handshakes", handshakeFields(), handshakePackages());

const lines = text({ max: 200 }).map((line) => line.replace(/[^\x20-\x7e]/g, "x"));
keeps("skynet login lines", laws(loginLines(), lines, { runs: 30, canonical: true }));
