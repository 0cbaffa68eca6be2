// The photo function, called as the platform calls it, and the measuring of pictures with sound and unsound bytes.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { beforeEach, test } from "node:test";

import { dimensions } from "../src/thumbnail/dimensions.mjs";
import { awsInReach } from "../src/thumbnail/photos.mjs";
import { cuts, handler } from "../src/thumbnail/thumbnail.mjs";

const sample = async (name) => JSON.parse(await readFile(new URL(`../events/${name}.json`, import.meta.url), "utf8"));

const png = (width, height) => {
  const bytes = Buffer.from("89504e470d0a1a0a0000000d494844520000000000000000", "hex");
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return bytes;
};

// Start of image, an application segment of 16 bytes, the frame header.
const jpeg = (width, height, frame = 0xc0) => {
  const application = Buffer.concat([Buffer.from([0xff, 0xe0, 0x00, 0x10]), Buffer.alloc(14)]);
  const header = Buffer.from([0xff, frame, 0x00, 0x11, 0x08, 0, 0, 0, 0, 0x03]);
  header.writeUInt16BE(height, 5);
  header.writeUInt16BE(width, 7);
  return Buffer.concat([Buffer.from([0xff, 0xd8]), application, header]);
};

beforeEach(() => {
  for (const name of ["AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL", "AWS_PROFILE"]) {
    delete process.env[name];
  }
});

test("pictures are measured", () => {
  assert.deepEqual(dimensions(png(1200, 800)), { width: 1200, height: 800 });
  assert.deepEqual(dimensions(jpeg(640, 480)), { width: 640, height: 480 });
  assert.deepEqual(dimensions(jpeg(640, 480, 0xc2)), { width: 640, height: 480 });
});

test("fill bytes before a marker are passed over", () => {
  const bytes = jpeg(640, 480);
  const filled = Buffer.concat([bytes.subarray(0, 2), Buffer.from([0xff, 0xff]), bytes.subarray(2)]);
  assert.deepEqual(dimensions(filled), { width: 640, height: 480 });
});

test("what is no picture has no size", () => {
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(64), Buffer.from("GIF89a"), Buffer.alloc(4096, 0xff), png(0, 9)]) {
    assert.equal(dimensions(bytes), null);
  }
  assert.equal(dimensions(jpeg(640, 480, 0xc4)), null);
});

test("a picture cut short at any byte is no picture, and no error", () => {
  for (const whole of [png(3, 4), jpeg(3, 4)]) {
    for (let length = 0; length < whole.length - 1; length += 1) {
      assert.equal(dimensions(whole.subarray(0, length)), null);
    }
  }
});

test("thumbnails keep the shape and never grow", () => {
  assert.deepEqual(cuts({ width: 1280, height: 960 }), [
    { width: 160, height: 120 },
    { width: 320, height: 240 },
    { width: 640, height: 480 },
  ]);
  assert.deepEqual(cuts({ width: 160, height: 10 }), []);
  assert.deepEqual(cuts({ width: 10_000, height: 1 })[0], { width: 160, height: 1 });
});

test("away from AWS a photo is accepted and said to be unread", async () => {
  const { records } = await handler(await sample("photo-uploaded"));
  assert.deepEqual(records, [
    {
      photo: "uploads/teapot-front.jpg",
      refused: null,
      size: null,
      thumbnails: null,
      unread: "no AWS in reach",
    },
  ]);
});

test("where calls to AWS lead", () => {
  assert.equal(awsInReach({}), false);
  assert.equal(awsInReach({ AWS_ACCESS_KEY_ID: "LOCALPLACEHOLDER" }), false);
  assert.equal(awsInReach({ AWS_ACCESS_KEY_ID: "ASIAIOSFODNN7EXAMPLE" }), true);
  assert.equal(awsInReach({ AWS_ENDPOINT_URL: "http://127.0.0.1:4566" }), true);
  assert.equal(awsInReach({ AWS_ACCESS_KEY_ID: "NOENDPOINT", AWS_ENDPOINT_URL: "http://127.0.0.1:1" }), false);
  assert.equal(awsInReach({ AWS_PROFILE: "staging" }), true);
});

test("a hostile name is refused and not repeated", async () => {
  const { records } = await handler(await sample("photo-with-a-hostile-name"));
  assert.equal(records[0].photo, null);
  assert.match(records[0].refused, /^the key is not/);
});

test("keys that are no photo names are refused", async () => {
  const event = await sample("photo-uploaded");
  const pathlike = ["uploads/../x.png", "other/x.png", "uploads/.png"];
  for (const key of [...pathlike, "uploads/x.svg", "uploads/%zz.png", "uploads/x.png%0a"]) {
    event.Records[0].s3.object.key = key;
    const { records } = await handler(event);
    assert.ok(records[0].refused, key);
  }
});

test("empty and enormous photos are refused", async () => {
  const event = await sample("photo-uploaded");
  for (const size of [0, undefined, 21 * 1024 * 1024]) {
    event.Records[0].s3.object.size = size;
    assert.match((await handler(event)).records[0].refused, /empty or larger/);
  }
});
