import { decodeFrame, duplex, encodeFrame, type Received } from "framewright";
import { connect, listen } from "framewright/node";
import modbus, { ServerTCP } from "modbus-serial";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rtuRequest, rtuResponse, tcpRequest, tcpResponse } from "../../examples/peers/modbus.ts";
import { freePort } from "../support/programs.ts";

/* Our client against the server of modbus-serial, and our server against its client. */

// Its types declare the default export as a member; it is the class itself.
const Client = modbus as unknown as (typeof modbus)["default"];

const host = "127.0.0.1";
const registers = [0x1234, 7, 0xffff, 0];
const coils = [true, false, true, true];

type Request = Received<typeof rtuRequest>;

/** Returns the answer of a server with these registers and coils. */
function answer({ fn, data }: Pick<Request, "fn" | "data">): never {
  const { address, quantity } = data as { address: number; quantity: number };
  if (address >= 4) return { fn: `${fn}Failed`, data: { code: "illegalAddress" } } as never;
  switch (fn) {
    case "readHoldingRegisters":
    case "readInputRegisters":
      return { fn, data: { values: registers.slice(address, address + quantity) } } as never;
    case "readCoils":
    case "readDiscreteInputs": {
      const bits = coils.slice(address, address + quantity);
      const byte = bits.reduce((sum, on, i) => sum + (on ? 1 << i : 0), 0);
      return { fn, data: { coils: Uint8Array.of(byte) } } as never;
    }
    case "writeMultipleCoils":
      return { fn, data: { address, quantity } } as never;
    case "writeMultipleRegisters": {
      const { values } = data as unknown as { values: readonly number[] };
      return { fn, data: { address, quantity: values.length } } as never;
    }
    default:
      return { fn, data } as never;
  }
}

const tcpServer = duplex({ read: tcpRequest, write: tcpResponse });
const rtuServer = duplex({ read: rtuRequest, write: rtuResponse });

describe("Modbus, with the client of modbus-serial", () => {
  for (const kind of ["TCP", "RTU"] as const) {
    it(`answers every function over ${kind}`, async () => {
      const server =
        kind === "TCP"
          ? await listen(tcpServer, {
              host,
              port: 0,
              message(connection, { transaction, unit, ...asked }) {
                connection.send({ transaction, unit, ...(answer(asked) as object) } as never);
              },
            })
          : await listen(rtuServer, {
              host,
              port: 0,
              message(connection, { unit, ...asked }) {
                connection.send({ unit, ...(answer(asked) as object) } as never);
              },
            });
      const client = new Client();
      try {
        if (kind === "TCP") await client.connectTCP(host, { port: server.port! });
        // Its name for the serial format over TCP.
        else await client.connectTelnet(host, { port: server.port! });
        client.setID(9);
        client.setTimeout(5000);
        expect((await client.readHoldingRegisters(0, 4)).data).toEqual(registers);
        expect((await client.readInputRegisters(1, 2)).data).toEqual([7, 0xffff]);
        expect((await client.readCoils(0, 4)).data.slice(0, 4)).toEqual(coils);
        expect((await client.readDiscreteInputs(1, 3)).data.slice(0, 3)).toEqual(coils.slice(1));
        expect(await client.writeCoil(1, true)).toMatchObject({ address: 1, state: true });
        expect(await client.writeRegister(2, 77)).toMatchObject({ address: 2, value: 77 });
        expect(await client.writeCoils(0, [true, true, false])).toMatchObject({ length: 3 });
        expect(await client.writeRegisters(0, [1, 2, 3])).toMatchObject({ address: 0, length: 3 });
        await expect(client.readHoldingRegisters(9, 1)).rejects.toMatchObject({ modbusCode: 2 });
      } finally {
        await new Promise<void>((resolve) => client.close(() => resolve()));
        await server.close({ timeout: 100 });
      }
    });
  }
});

describe("Modbus, with the server of modbus-serial", () => {
  let server: ServerTCP;
  let port = 0;
  const written: unknown[] = [];
  beforeAll(async () => {
    port = await freePort();
    server = new ServerTCP(
      {
        getHoldingRegister: (address: number) => registers[address]!,
        getCoil: (address: number) => coils[address]!,
        setRegister: (address: number, value: number) => void written.push([address, value]),
        setCoil: (address: number, value: boolean) => void written.push([address, value]),
      } as never,
      { host, port, unitID: 1 },
    );
    await new Promise<void>((resolve) => server.on("initialized", () => resolve()));
  });
  afterAll(() => new Promise<void>((resolve) => server.close(() => resolve())));

  it("reads its answers, including exceptions", async () => {
    const client = await connect(duplex({ read: tcpResponse, write: tcpRequest }), { host, port });
    const answers = client[Symbol.asyncIterator]();
    let transaction = 0;
    const ask = async (asked: object): Promise<unknown> => {
      client.send({ transaction: ++transaction, ...asked } as never);
      const { value } = await answers.next();
      expect(value).toMatchObject({ transaction, unit: 1 });
      return { fn: value!.fn, data: value!.data };
    };
    const read = { address: 0, quantity: 4 };
    expect(await ask({ fn: "readHoldingRegisters", data: read })).toEqual({
      fn: "readHoldingRegisters",
      data: { values: registers },
    });
    expect(await ask({ fn: "readCoils", data: read })).toEqual({
      fn: "readCoils",
      data: { coils: Uint8Array.of(0b1101) },
    });
    const values = [5, 6];
    await ask({ fn: "writeMultipleRegisters", data: { address: 2, values } });
    await ask({ fn: "writeSingleCoil", data: { address: 1, value: "on" } });
    expect(written).toEqual([
      [2, 5],
      [3, 6],
      [1, true],
    ]);
    const many = { address: 0, quantity: 60_000 };
    expect(await ask({ fn: "readHoldingRegisters", data: many })).toMatchObject({
      fn: "readHoldingRegistersFailed",
    });
    client.close();
    await client.closed;
  });
});

describe("Modbus", () => {
  it("finds frames on a serial line by their functions, and refuses a wrong checksum", () => {
    const asked = {
      unit: 17,
      fn: "readHoldingRegisters",
      data: { address: 107, quantity: 3 },
    } as const;
    const frame = encodeFrame(rtuRequest, asked);
    expect(decodeFrame(rtuRequest, frame)).toEqual(asked);
    frame[7]! ^= 1;
    expect(() => decodeFrame(rtuRequest, frame)).toThrow(/^crc: /);
  });
});
