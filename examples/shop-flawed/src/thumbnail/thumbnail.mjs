// Started by each new photo in the bucket: asks the system what kind of file its name suggests.

import { execSync } from "node:child_process";

/** One line per photo. */
export async function handler(event) {
  return event.Records.map(({ s3 }) => {
    const key = decodeURIComponent(s3.object.key.replaceAll("+", " "));
    return execSync(`basename "${key}"`).toString().trim();
  });
}
