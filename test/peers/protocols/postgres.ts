// What a client of PostgreSQL sends that logs in without a password: its first message has no type.
import { frontend, startup } from "../../../examples/peers/postgres.ts";
import { inTurn } from "./in-turn.ts";

export const client = inTurn("postgres client", { protocol: startup }, { protocol: frontend });
