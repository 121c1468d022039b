// What is used of it; the package has no types of its own.
declare module "istanbul-lib-instrument" {
  export function createInstrumenter(options: {
    readonly esModules: boolean;
    readonly coverageVariable: string;
    readonly compact: boolean;
  }): { instrumentSync(code: string, path: string): string };
}
