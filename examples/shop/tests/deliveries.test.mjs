// The suppliers' function, called as a REST API calls it.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import deliveries from "../src/suppliers/deliveries.js";

const sample = JSON.parse(await readFile(new URL("../events/delivery.json", import.meta.url), "utf8"));

async function reported(changes) {
  const answer = await deliveries.handler({ ...sample, ...changes });
  return [answer.statusCode, JSON.parse(answer.body)];
}

const noted = (lines) => ({ body: JSON.stringify({ supplier: "foundry-north", lines }) });

test("a delivery gets a receipt, and the same delivery the same one", async () => {
  const [status, first] = await reported({});
  assert.equal(status, 202);
  assert.deepEqual([first.lines, first.units], [2, 36]);
  assert.match(first.receipt, /^[0-9a-f]{16}$/);
  assert.deepEqual((await reported({}))[1], first);
});

test("another key gets another receipt", async () => {
  const [, first] = await reported({});
  const [, second] = await reported({ requestContext: { identity: { apiKeyId: "another" } } });
  assert.notEqual(first.receipt, second.receipt);
});

test("a body in base64 is read", async () => {
  const body = Buffer.from(sample.body).toString("base64");
  assert.equal((await reported({ body, isBase64Encoded: true }))[0], 202);
});

test("without a key there is no service", async () => {
  assert.equal((await reported({ requestContext: { identity: {} } }))[0], 401);
});

test("bad deliveries are refused", async () => {
  const line = { product: "teapot", quantity: 1 };
  const bodies = [null, "", "{", "[]", "null", "7", "{}", noted([]).body, noted([line, line]).body, noted([null]).body];
  for (const quantity of [0, -1, 0.5, 10_001, "1", null]) {
    bodies.push(noted([{ product: "teapot", quantity }]).body);
  }
  for (const change of [{ supplier: "A B" }, { note: "x".repeat(201) }, { note: 7 }, { discount: 1 }]) {
    bodies.push(JSON.stringify({ supplier: "foundry-north", lines: [line], ...change }));
  }
  bodies.push(noted([{ product: 7, quantity: 1 }]).body, noted([{ ...line, price: 1 }]).body);
  bodies.push('{"supplier": "foundry-north", "lines": [{"product": "teapot", "quantity": 1}], "__proto__": {"a": 1}}');
  for (const body of bodies) {
    const [status, { error }] = await reported({ body });
    assert.equal(status, 400, body);
    assert.ok(error.message, body);
  }
});
