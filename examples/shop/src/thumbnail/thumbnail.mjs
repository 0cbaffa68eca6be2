// Started by each new photo in the bucket: measures it and writes down how its thumbnails are to be cut.
//
// An object's key is chosen by whoever uploads it. It is checked like any other input, and never becomes part of a
// command.

import { dimensions } from "./dimensions.mjs";
import { connect } from "./photos.mjs";

const KEY = /^uploads\/([a-z0-9][a-z0-9-]{0,63})\.(png|jpe?g)$/;
const WIDTHS = [160, 320, 640];
const LARGEST_BYTES = 20 * 1024 * 1024;
const HEADER_BYTES = 64 * 1024;

/** One record per photo. What is no photo is recorded as such; after trouble with a bucket the event comes again. */
export async function handler(event) {
  const photos = await connect();
  const records = [];
  for (const { s3 } of event.Records) {
    const record = await measured(s3, photos);
    console.log(JSON.stringify({ happened: "photo measured", ...record }));
    records.push(record);
  }
  return { records };
}

async function measured({ bucket, object }, photos) {
  const key = decoded(object.key);
  const name = KEY.exec(key ?? "")?.[1];
  if (!name) {
    return { photo: null, refused: "the key is not uploads/NAME.png or uploads/NAME.jpg" };
  }
  if (!(object.size > 0 && object.size <= LARGEST_BYTES)) {
    return { photo: key, refused: `the photo is empty or larger than ${LARGEST_BYTES} bytes` };
  }
  if (photos.absent) {
    return { photo: key, refused: null, size: null, thumbnails: null, unread: photos.absent };
  }
  const size = dimensions(await photos.start(bucket.name, key, HEADER_BYTES));
  if (size === null) {
    return { photo: key, refused: "the content is neither PNG nor JPEG" };
  }
  const record = { photo: key, refused: null, size, thumbnails: cuts(size) };
  await photos.write(`${name}.json`, record);
  return record;
}

/** The key as it was given: events carry it encoded like a form. Nothing when it is not well encoded. */
function decoded(key) {
  try {
    return decodeURIComponent(key.replaceAll("+", " "));
  } catch {
    return null;
  }
}

/** Thumbnails keep the photo's shape and are never larger than the photo. */
export function cuts({ width, height }) {
  return WIDTHS.filter((narrow) => narrow < width).map((narrow) => ({
    width: narrow,
    height: Math.max(1, Math.round((height * narrow) / width)),
  }));
}
