import { describe, expect, it } from "vitest";
import { ProtocolError } from "../../../../src/core/index.ts";
import {
  type HostRequest,
  parse,
  RpcError,
  unpack,
} from "../../../../src/protocols/sproto/index.ts";
import { bytesOf, hexOf } from "../../../support/hex.ts";
import { fromVector, type RpcVector, vectors } from "../../../support/sproto-vectors.ts";

const schemaOf = (name: string) => parse(vectors.schemas[name]!);

describe("vectors of the reference", () => {
  it.each(vectors.rpc)("$name", (one: RpcVector) => {
    const sproto = schemaOf(one.schema);
    const client = sproto.host(one.package);
    const server = sproto.host(one.package);
    const request = client.attach(sproto)(
      one.proto,
      fromVector(one.request),
      one.session,
      fromVector(one.ud) ?? (one.schema === "rpcnoud" ? "dropped" : undefined),
    );
    expect(hexOf(request)).toBe(hexOf(bytesOf(one.requestPackedHex)));
    expect(hexOf(unpack(request))).toBe(hexOf(bytesOf(one.requestRawHex)));

    const call = server.dispatch(request) as HostRequest;
    expect(call.kind).toBe("request");
    expect(call.name).toBe(one.proto);
    expect(call.args).toEqual(fromVector(one.dispatched));
    expect(call.session).toBe(one.session);
    expect(call.ud).toEqual(fromVector(one.dispatchedUd));
    expect(call.respond !== undefined).toBe(one.hasResponder);
    if (call.respond === undefined) return;

    const response = call.respond(fromVector(one.response), fromVector(one.responseUd));
    expect(hexOf(response)).toBe(hexOf(bytesOf(one.responsePackedHex!)));
    expect(hexOf(unpack(response))).toBe(hexOf(bytesOf(one.responseRawHex!)));
    expect(client.pending).toBe(1);
    expect(client.dispatch(response)).toEqual({
      kind: "response",
      name: one.proto,
      session: one.session,
      args: fromVector(one.dispatchedResponse),
      ud: fromVector(one.dispatchedResponseUd),
    });
    expect(client.pending).toBe(0);
    expect(() => client.dispatch(response)).toThrow("unknown session");
  });

  const dispatched = vectors.invalid.filter(({ what, packedHex }) => {
    return what === "rpc" && packedHex !== undefined;
  });
  it.each(dispatched)("refuses $name", ({ schema, packedHex }) => {
    const host = schemaOf(schema!).host();
    let thrown: unknown;
    try {
      host.dispatch(bytesOf(packedHex!));
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ProtocolError);
    expect((thrown as ProtocolError).code).toBe("malformed");
  });

  it("refuses rpc-attach-unknown and rpc-host-no-package", () => {
    const sproto = schemaOf("rpc");
    expect(() => sproto.host().attach(sproto)("nope")).toThrow("nope not found");
    expect(() => schemaOf("tree").host()).toThrow("type package not found");
  });
});

describe("host", () => {
  const sproto = schemaOf("rpc");

  it("names protocol and session in its errors", () => {
    const host = sproto.host();
    const stranger = parse(`.package { type 0 : integer  session 1 : integer }  other 98 {}`);
    const bytes = stranger.host().attach(stranger)("other", undefined, 5);
    try {
      host.dispatch(bytes);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(RpcError);
      expect(error).toMatchObject({ code: "malformed", tag: 98, session: 5 });
    }
  });

  it("keeps a session pending if its answer cannot be read", () => {
    const client = sproto.host();
    client.attach(sproto)("login", {}, 1);
    // The header of a response, and a body whose record of `uid` announces data that is missing.
    const other = parse(`
      .package { type 0 : integer  session 1 : integer }
      login 1 { request {}  response { uid 1 : string } }`);
    const call = other.host().dispatch(other.host().attach(other)("login", {}, 1)) as HostRequest;
    const bytes = call.respond!({ uid: "abc" });
    expect(() => client.dispatch(bytes)).toThrow(/protocol login, session 1/);
    expect(client.pending).toBe(1);
    expect(client.forget(1)).toBe(true);
    expect(client.forget(1)).toBe(false);
  });

  it("refuses a repeated session, too many sessions, and bodies that a protocol does not have", () => {
    const host = sproto.host("package", { maxPending: 2 });
    const send = host.attach(sproto);
    send("where", undefined, 1);
    expect(() => send("where", undefined, 1n)).toThrow("already waits for an answer");
    send("where", {}, 2);
    expect(() => send("where", undefined, 3)).toThrow("maxPending is 2");
    // 0 is a session like any other.
    const zero = sproto.host().attach(sproto);
    zero("where", undefined, 0);
    expect(() => zero("where", undefined, 0)).toThrow("(protocol where, session 0)");
    send("ping");
    expect(() => send("ping", { x: 1 })).toThrow("the protocol has no body");
    expect(() => send("ping", 5)).toThrow("the protocol has no body");
    expect(host.pending).toBe(2);
  });

  it("requires a valid limit", () => {
    expect(() => sproto.host("package", { maxPending: Number.NaN })).toThrow(RangeError);
    expect(sproto.host("package", { maxPending: Number.POSITIVE_INFINITY }).pending).toBe(0);
  });

  it("keeps no session of a request that could not be written", () => {
    const host = sproto.host();
    expect(() => host.attach(sproto)("move", { x: "no" }, 1)).toThrow("Pos.x is an integer");
    expect(host.pending).toBe(0);
  });

  it("treats sessions as numbers, whatever form the schema returns", () => {
    const big = parse(vectors.schemas.rpc!, { int64: "bigint" });
    const client = big.host();
    const server = big.host();
    const call = server.dispatch(client.attach(big)("first", { n: 1n }, 7)) as HostRequest;
    expect(call).toMatchObject({ session: 7, args: { n: 1n } });
    expect(client.dispatch(call.respond!({ n: 2 }))).toMatchObject({ session: 7, args: { n: 2n } });
    const far = 2n ** 60n;
    const again = server.dispatch(client.attach(big)("first", {}, far)) as HostRequest;
    expect(client.dispatch(again.respond!())).toMatchObject({ session: far });
  });

  it("requires a header type with two integers", () => {
    expect(() => parse(".package { type 0 : integer }").host()).toThrow("called session");
    expect(() => parse(".p { type 0 : string  session 1 : integer }").host("p")).toThrow("type");
  });
});
