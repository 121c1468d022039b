import { defineProtocol, type Protocol } from "framewright";

/** A part of a connection: a protocol, and whether a value is the last one that it reads. */
interface Stage {
  readonly protocol: Protocol<never, unknown>;
  /** By default each value is the last. The last stage never ends. */
  readonly isLast?: ((value: unknown) => boolean) | undefined;
}

/** One direction of connections that change their protocol, for reading only. */
export function inTurn(name: string, ...stages: readonly Stage[]): Protocol<never, unknown> {
  const maxFrame = Math.max(...stages.map(({ protocol }) => protocol.maxFrame));
  const reader = (): Protocol<never, unknown> => {
    let at = 0;
    const now = (): Protocol<never, unknown> => stages[at]!.protocol;
    return defineProtocol<never, unknown>({
      name,
      maxFrame,
      measure: (...args) => now().measure(...args),
      decode(...args) {
        const value = now().decode(...args);
        const { isLast = () => true } = stages[at]!;
        if (at < stages.length - 1 && isLast(value)) at++;
        return value;
      },
      encode() {
        throw new Error(`${name} is for reading`);
      },
    });
  };
  return { ...reader(), perConnection: reader };
}
