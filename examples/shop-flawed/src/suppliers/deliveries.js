"use strict";
// POST /deliveries: a supplier's note of what it has delivered.

/** Acknowledges a delivery, whoever sends it. */
exports.handler = async (event) => {
  const delivery = JSON.parse(event.body);
  const settings = {};
  merge(settings, delivery);
  return { statusCode: 202, body: JSON.stringify({ lines: delivery.lines.length, admin: settings.admin === true }) };
};

// Copies `__proto__` along with everything else.
function merge(target, source) {
  for (const key of Object.keys(source)) {
    if (typeof source[key] === "object" && source[key] !== null) {
      target[key] = merge(target[key] ?? {}, source[key]);
    } else {
      target[key] = source[key];
    }
  }
  return target;
}
