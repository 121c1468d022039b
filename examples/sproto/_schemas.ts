import { parse } from "framewright/sproto";

// The header of every message, as in skynet's examples, for both sides.
const header = `.package { type 0 : integer  session 1 : integer }` as const;

/** Requests of clients to servers. */
export const c2s = parse([
  header,
  `
  login 1 {
    request { name 0 : string  secret 1 : string }
    response { ok 0 : boolean  why 1 : string }
  }
  handshake 2 { response { msg 0 : string } }
  get 3 { request { what 0 : string }  response { result 0 : string } }
  set 4 { request { what 0 : string  value 1 : string } }
  quit 5 {}
  `,
]);

/** Requests of servers to clients. */
export const s2c = parse([header, `heartbeat 1 { request { beat 0 : integer } }`]);
