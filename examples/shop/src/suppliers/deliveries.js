"use strict";
// POST /deliveries: a supplier's note of what it has delivered.
//
// The API lets only known keys pass, counts their calls, and has checked the body against the model `Delivery` before
// we run. We check again: a model says nothing of a product that stands in the note twice, and doors get rebuilt.

const { createHash } = require("node:crypto");

const NAME = /^[a-z][a-z0-9-]{1,30}$/;
const MOST_LINES = 50;
const MOST_UNITS = 10_000;
const LONGEST_NOTE = 200;

/** Acknowledges a delivery with a receipt: the same note from the same key always gets the same one. */
exports.handler = async (event) => {
  const caller = event.requestContext?.identity?.apiKeyId;
  if (!caller) {
    // The route is declared to need a key; should it ever be opened by mistake, it stays closed here.
    return refusal(401, "no-key", "send your key in X-Api-Key");
  }
  const delivery = parsed(event);
  if (delivery === null) {
    return refusal(400, "not-json", "the body is not a JSON object");
  }
  const fault = faultIn(delivery);
  if (fault) {
    return refusal(400, "bad-delivery", fault);
  }
  const units = delivery.lines.reduce((sum, line) => sum + line.quantity, 0);
  const receipt = receiptFor(caller, delivery);
  console.log(JSON.stringify({ happened: "delivery reported", receipt, supplier: delivery.supplier, units }));
  return answer(202, { receipt, supplier: delivery.supplier, lines: delivery.lines.length, units });
};

function parsed(event) {
  try {
    const text = event.isBase64Encoded ? Buffer.from(event.body, "base64").toString("utf8") : event.body;
    const value = JSON.parse(text);
    return typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/** What is wrong with a delivery, one clause; nothing when all is well. */
function faultIn({ supplier, note = "", lines, ...others }) {
  if (!isName(supplier)) {
    return "`supplier` is missing or no supplier's name";
  }
  if (typeof note !== "string" || note.length > LONGEST_NOTE) {
    return `\`note\` is text of at most ${LONGEST_NOTE} characters`;
  }
  if (!Array.isArray(lines) || lines.length === 0 || lines.length > MOST_LINES) {
    return `\`lines\` holds 1 to ${MOST_LINES} entries`;
  }
  if (!lines.every(isLine)) {
    return `a line has a \`product\` and a \`quantity\` from 1 to ${MOST_UNITS}, and nothing else`;
  }
  if (new Set(lines.map((line) => line.product)).size < lines.length) {
    return "a product stands in one line only";
  }
  return Object.keys(others).length > 0 ? "the only fields are `supplier`, `note` and `lines`" : null;
}

function isLine(line) {
  const { product, quantity, ...others } = line ?? {};
  const counts = Number.isInteger(quantity) && quantity >= 1 && quantity <= MOST_UNITS;
  return isName(product) && counts && Object.keys(others).length === 0;
}

function isName(text) {
  return typeof text === "string" && NAME.test(text);
}

function receiptFor(caller, delivery) {
  const lines = delivery.lines.map((line) => [line.product, line.quantity]);
  const noted = JSON.stringify([caller, delivery.supplier, lines]);
  return createHash("sha256").update(noted).digest("hex").slice(0, 16);
}

function answer(statusCode, body) {
  const headers = {
    "content-type": "application/json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  };
  return { statusCode, headers, body: JSON.stringify(body) };
}

function refusal(statusCode, code, message) {
  return answer(statusCode, { error: { code, message } });
}
