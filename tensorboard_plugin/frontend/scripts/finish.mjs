// After the build: the licences of what is bundled, and the hashes that show a stale or edited bundle.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";

const root = join(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "..");
const out = join(root, "..", "static");
const CONFIG = [
  "package.json",
  "package-lock.json",
  "svelte.config.js",
  "tsconfig.json",
  "vite.config.ts",
];
const BUNDLED = ["svelte", "clsx", "esm-env", "gifenc"];

function filesIn(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

const sha256 = (path) => createHash("sha256").update(readFileSync(path)).digest("hex");

function licence(name) {
  const folder = join(root, "node_modules", name);
  const file = readdirSync(folder).find((each) => /^licen[sc]e/i.test(each));
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const text = file ? readFileSync(join(folder, file), "utf8").trim() : `License: ${license}`;
  return `${name} ${version}\n\n${text}\n`;
}

const COLOURS = `Colour tables, as matplotlib packages them

cividis: Nuñez, Anderton and Renslow 2018, CC0. viridis and magma: Smith and van der Walt, CC0.
PuOr and RdBu: this product includes color specifications and designs developed by Cynthia Brewer
(https://colorbrewer.org/), licensed under the Apache License, Version 2.0
(https://www.apache.org/licenses/LICENSE-2.0). The tables were interpolated to 256 colours; the
"-dark" variants are our own.
`;

writeFileSync(
  join(out, "THIRD_PARTY.txt"),
  `The bundle holds code of these packages.\n\n${[...BUNDLED.map(licence), COLOURS].join(`\n${"-".repeat(72)}\n\n`)}`,
);

const sources = [
  ...filesIn(join(root, "src")),
  ...filesIn(join(root, "scripts")),
  ...CONFIG.map((name) => join(root, name)),
];
const named = sources.map((path) => [relative(root, path).split(sep).join("/"), sha256(path)]);
named.sort(([a], [b]) => (a < b ? -1 : 1));
const whole = createHash("sha256");
for (const [name, hash] of named) whole.update(`${name}\0${hash}\n`);
const MANIFEST = "build-manifest.json";
const outputs = readdirSync(out)
  .filter((name) => name !== MANIFEST)
  .sort()
  .map((name) => [name, sha256(join(out, name))]);
const manifest = {
  sources: whole.digest("hex"),
  files: named.map(([name]) => name),
  outputs: Object.fromEntries(outputs),
};
writeFileSync(join(out, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
