// Bundles the smoke test in the current folder as React Native does, into metro-<profile>.js.
const { join } = require("node:path");
const { loadConfig, runBuild } = require("metro");

const root = process.cwd();
const [profile] = process.argv.slice(2);

async function bundle() {
  const ours = join(__dirname, "node_modules");
  const config = await loadConfig(
    { cwd: root },
    {
      projectRoot: root,
      watchFolders: [root, ours],
      maxWorkers: 1,
      cacheStores: [],
      reporter: { update() {} },
      resolver: { nodeModulesPaths: [ours], useWatchman: false, sourceExts: ["js", "mjs", "json"] },
      transformer: {
        babelTransformerPath: require.resolve("@react-native/metro-babel-transformer"),
      },
    },
  );
  const out = join(root, `metro-${profile}.js`);
  const how = { dev: false, minify: false, sourceMap: false, platform: "ios" };
  await runBuild(config, {
    ...{ entry: join(root, "smoke.mjs"), out, ...how },
    unstable_transformProfile: profile,
  });
}

bundle().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
