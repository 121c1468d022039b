import { describe, expect, expectTypeOf, it } from "vitest";
import type { AnyTypes, Infer, Sproto } from "../../../../src/protocols/sproto/index.ts";
import { load, parse } from "../../../../src/protocols/sproto/index.ts";
import { compilerMessages } from "../../../support/compiler.ts";

const school = parse(`
  # people # and more
  .Person {
    name 0 : string
    age 1:integer	score 2 : integer(2)
    .Address { street 0 : string } # nested
    home 3 : Address
    kids 4 : *Person
    photo 5 : binary
    tall 6 : *boolean
    weights 7 : *double
    rounded 8 : *integer(3)
  }
  .Pair { v 10 : *integer  k 9 : string }
  .Room {
    people 0 : *Person(name)
    pairs 1 : *Pair()
    where 2 : Person.Address
  }
  find 1 { request { name 0 : string .Deep { on 0 : boolean } deep 1 : Deep } response Person }
  ping 2 {}
  bye 3 { request Pair response nil }
`);

describe("types read from a schema in the program", () => {
  it("have the fields of a type", () => {
    const bytes = school.encode("Person", { name: "Ada", kids: [{ age: 3n }], photo: undefined });
    const person = school.decode("Person", bytes);
    expectTypeOf(person.name).toEqualTypeOf<string | undefined>();
    expectTypeOf(person.age).toEqualTypeOf<number | bigint | undefined>();
    expectTypeOf(person.score).toEqualTypeOf<number | undefined>();
    expectTypeOf(person.home?.street).toEqualTypeOf<string | undefined>();
    expectTypeOf(person.kids?.[0]?.kids?.[0]?.photo).toEqualTypeOf<Uint8Array | undefined>();
    expectTypeOf(person.tall).toEqualTypeOf<boolean[] | undefined>();
    expectTypeOf(person.weights).toEqualTypeOf<number[] | undefined>();
    expectTypeOf(person.rounded).toEqualTypeOf<number[] | undefined>();
    expect(person).toEqual({ name: "Ada", kids: [{ age: 3 }] });
  });

  it("refuse values that are not in the schema", () => {
    // @ts-expect-error no such type
    expect(() => school.encode("Nobody", {})).toThrow("the schema has no type Nobody");
    // @ts-expect-error no number
    expect(() => school.encode("Person", { age: "3" })).toThrow("Person.age is an integer");
    // @ts-expect-error no such field: not sent
    expect(school.encode("Person", { agee: 3 }).length).toBe(2);
    // @ts-expect-error the elements are structs
    expect(() => school.encode("Person", { kids: ["x"] })).toThrow("Person.kids[0] is an object");
  });

  it("accept all forms of maps", () => {
    const map = new Map([["a", { name: "a", age: 1 }]]);
    for (const people of [map, [{ name: "a", age: 1 }], { a: { name: "a", age: 1 } }]) {
      const room = school.decode("Room", school.encode("Room", { people }));
      expectTypeOf(room.people).toEqualTypeOf<Map<string, PersonOut> | undefined>();
      expect(room.people).toEqual(map);
    }
    type PersonOut = NonNullable<ReturnType<typeof decodePerson>>;
    const decodePerson = () => school.decode("Person", new Uint8Array(2));
    const numbers = new Map([["x", [1, 2]]]);
    for (const pairs of [numbers, [["x", [1, 2]]] as const, { x: [1, 2] }]) {
      const room = school.decode("Room", school.encode("Room", { pairs }));
      expectTypeOf(room.pairs).toEqualTypeOf<Map<string, (number | bigint)[]> | undefined>();
      expect(room.pairs).toEqual(numbers);
    }
    expectTypeOf(school.decode("Room", new Uint8Array(2)).where?.street).toEqualTypeOf<
      string | undefined
    >();
  });

  it("follow the options", () => {
    const text =
      ".T { i 0 : integer  s 1 : string  m 2 : *P() l 3 : *integer } .P { a 0 : string b 1 : integer }";
    const other = parse(text, { int64: "number", maps: "object", strings: "bytes" });
    const value = other.decode("T", other.encode("T", { i: 1n, s: "x" }));
    expectTypeOf(value.i).toEqualTypeOf<number | undefined>();
    expectTypeOf(value.s).toEqualTypeOf<Uint8Array | undefined>();
    expectTypeOf(value.l).toEqualTypeOf<number[] | undefined>();
    const big = parse(text, { int64: "bigint", maps: "object" });
    const found = big.decode("T", big.encode("T", { m: { k: 1 } }));
    expectTypeOf(found.i).toEqualTypeOf<bigint | undefined>();
    expectTypeOf(found.m).toEqualTypeOf<{ [key: string]: bigint } | undefined>();
    expect(found.m?.k).toBe(1n);
  });

  it("have requests and responses", () => {
    type Protocols = typeof school extends Sproto<infer T> ? T["protocols"] : never;
    expectTypeOf<keyof Protocols>().toEqualTypeOf<"find" | "ping" | "bye">();
    type Find = Protocols["find"]["request"]["out"];
    expectTypeOf<Find["name"]>().toEqualTypeOf<string | undefined>();
    expectTypeOf<NonNullable<Find["deep"]>["on"]>().toEqualTypeOf<boolean | undefined>();
    expectTypeOf<Protocols["find"]["response"]["out"]["age"]>().toEqualTypeOf<
      number | bigint | undefined
    >();
    expectTypeOf<Protocols["ping"]["request"]["in"]>().toEqualTypeOf<undefined>();
    expectTypeOf<Protocols["bye"]["response"]["out"]>().toEqualTypeOf<undefined>();
  });

  it("join several texts", () => {
    const joined = parse([".A { b 0 : B }", { name: "b.sproto", text: ".B { n 0 : integer }" }]);
    const value = joined.decode("A", joined.encode("A", { b: { n: 1 } }));
    expectTypeOf(value.b?.n).toEqualTypeOf<number | bigint | undefined>();
    expect(value.b?.n).toBe(1);
  });

  it("are `any` for a text that is known only at run time", () => {
    const text: string = ".A { n 0 : integer }";
    const later = parse(text);
    expectTypeOf(later).toEqualTypeOf<Sproto<AnyTypes>>();
    expect(later.decode("A", later.encode("A", { n: 1 })).n).toBe(1);
    expectTypeOf(parse([text, ".B {}"])).toEqualTypeOf<Sproto<AnyTypes>>();
  });

  it("can be passed to `load` for a bundle", () => {
    type Types = typeof school extends Sproto<infer T> ? T : never;
    const loaded = load<Types>(school.bundle());
    const { age } = loaded.decode("Person", loaded.encode("Person", { age: 3 }));
    expectTypeOf(age).toEqualTypeOf<number | bigint | undefined>();
    expect(age).toBe(3);
    expectTypeOf(load(school.bundle())).toEqualTypeOf<Sproto<AnyTypes>>();
  });

  it("report a missing type or key by name", () => {
    type Types = Infer<`
      .A { b 0 : Foo  c 1 : *Foo  d 2 : *B(nobody)  e 3 : *B() }
      .B { n 0 : integer }
      find 1 { request Foo }
    `>;
    type In = Types["types"]["A"]["in"];
    expectTypeOf<In["b"]>().toEqualTypeOf<"the schema has no type Foo" | undefined>();
    expectTypeOf<In["c"]>().toEqualTypeOf<Iterable<"the schema has no type Foo"> | undefined>();
    expectTypeOf<In["d"]>().toEqualTypeOf<"the type B has no field nobody" | undefined>();
    expectTypeOf<In["e"]>().toEqualTypeOf<"a map of B() needs a type of two fields" | undefined>();
    expectTypeOf<Types["types"]["A"]["out"]["b"]>().toEqualTypeOf<
      "the schema has no type Foo" | undefined
    >();
    expectTypeOf<Types["protocols"]["find"]["request"]["in"]>().toEqualTypeOf<
      "the schema has no type Foo" | undefined
    >();
    expect(
      compilerMessages(`
        import { parse } from "./src/protocols/sproto/index.ts";
        parse(".A { b 0 : Foo }").encode("A", { b: { n: 1 } });
        parse(".A { b 0 : Foo }").decode("A", new Uint8Array(2)).b?.n;
      `),
    ).toEqual([
      `Type '{ n: number; }' is not assignable to type '"the schema has no type Foo"'.`,
      `Property 'n' does not exist on type '"the schema has no type Foo"'.`,
    ]);
  });

  it("allow a schema with known types as one of any types", () => {
    const any: Sproto = school;
    expect(any.schema.types.length).toBe(6);
  });
});
