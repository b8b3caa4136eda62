// Writes the licences of the packages that are built into the extension.
const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");

const listed = execFileSync("npm", ["ls", "--omit=dev", "--all", "--parseable"], { encoding: "utf8", shell: process.platform === "win32" });
const packages = listed.trim().split(/\r?\n/).slice(1).sort();
const notices = packages.map((folder) => {
  const { name, version } = JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8"));
  const licence = fs.readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
  if (licence === undefined) {
    throw new Error(`${name} has no licence file`);
  }
  return `${name} ${version}\n\n${fs.readFileSync(path.join(folder, licence), "utf8").trim()}\n`;
});
fs.mkdirSync("dist", { recursive: true });
fs.writeFileSync("dist/NOTICES.txt", notices.join(`\n${"-".repeat(80)}\n\n`));
