import { examplePages } from "../.vitepress/examples.ts";

export default { paths: () => examplePages };
