// Makes `policy.wasm` of `policy.js`; installs what that takes on the first run.
import { execSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";

if (!existsSync("node_modules")) {
  execSync("npm install --no-audit --no-fund", { stdio: "inherit" });
}
const { componentize } = await import("@bytecodealliance/componentize-js");
const { component } = await componentize(await readFile("policy.js", "utf8"), {
  witPath: "wit",
  worldName: "policy",
  // A policy has no clock, no randomness and no network, so that it imports nothing.
  disableFeatures: ["stdio", "random", "clocks", "http", "fetch-event"],
});
await writeFile("policy.wasm", component);
