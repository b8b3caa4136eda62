// Loads the built extension as VS Code would, on an API that has everything and does nothing.
const assert = require("node:assert");
const Module = require("node:module");
const { test } = require("node:test");

const anything = () => new Proxy(class {}, { get: (held, name) => (name in held ? held[name] : anything()) });
const load = Module._load;
Module._load = (request, ...rest) => (request === "vscode" ? anything() : load(request, ...rest));

test("the bundle holds all it needs", () => {
  const extension = require("../dist/extension.js");
  assert.deepStrictEqual(Object.keys(extension).sort(), ["activate", "deactivate"]);
});

test("nothing to stop before it was started", async () => {
  const extension = require("../dist/extension.js");
  assert.strictEqual(await extension.deactivate(), undefined);
});
