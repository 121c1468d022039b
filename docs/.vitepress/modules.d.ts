declare module "*.css";

declare module "*/reference.mjs" {
  export function pageOf(name: string): string;
  export const referencePages: { readonly text: string; readonly link: string }[];
}
