// The faults of the flawed shop's Node code are real: each test is an attack that succeeds.

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import deliveries from "../src/suppliers/deliveries.js";
import { handler } from "../src/thumbnail/thumbnail.mjs";

const uploaded = (key) => ({ Records: [{ s3: { object: { key } } }] });

test("it runs", async () => {
  assert.deepEqual(await handler(uploaded("uploads/teapot.jpg")), ["teapot.jpg"]);
  assert.equal((await deliveries.handler({ body: '{"lines": []}' })).statusCode, 202);
});

test("a photo's name runs a command", async () => {
  const folder = mkdtempSync(join(tmpdir(), "flawed-"));
  try {
    const trace = join(folder, "trace");
    await handler(uploaded(`uploads/$(touch ${trace}).jpg`));
    assert.ok(existsSync(trace));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("one delivery changes every object of the process", async () => {
  try {
    await deliveries.handler({ body: '{"lines": [], "__proto__": {"admin": true}}' });
    assert.equal({}.admin, true);
  } finally {
    delete Object.prototype.admin;
  }
});
