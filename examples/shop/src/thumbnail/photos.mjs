// The buckets. The AWS SDK is part of the platform's Node and is taken up only when there is an AWS to reach; away from
// it, this says so instead of pretending.

/** What reads photos and writes records, or `{ absent: why }` where there is no AWS to reach. */
export async function connect() {
  if (!awsInReach(process.env)) {
    return { absent: "no AWS in reach" };
  }
  const { GetObjectCommand, PutObjectCommand, S3Client } = await import("@aws-sdk/client-s3");
  const client = new S3Client(process.env.AWS_ENDPOINT_URL ? { forcePathStyle: true } : {});
  return {
    async start(bucket, key, bytes) {
      const Range = `bytes=0-${bytes - 1}`;
      const object = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key, Range }));
      return Buffer.from(await object.Body.transformToByteArray());
    },
    async write(key, record) {
      const Body = JSON.stringify(record);
      const place = { Bucket: process.env.RECORDS_BUCKET, Key: key };
      await client.send(new PutObjectCommand({ ...place, Body, ContentType: "application/json" }));
    },
  };
}

/**
 * Whether calls to AWS lead anywhere: to an endpoint, by a profile, or with credentials. Ids of credentials start with
 * AKIA, or with ASIA when they are temporary, as those of every role. A shield without an endpoint says NOENDPOINT.
 */
export function awsInReach({ AWS_ENDPOINT_URL, AWS_PROFILE, AWS_ACCESS_KEY_ID = "" }) {
  if (AWS_ACCESS_KEY_ID === "NOENDPOINT") {
    return false;
  }
  return Boolean(AWS_ENDPOINT_URL || AWS_PROFILE) || /^A[KS]IA/.test(AWS_ACCESS_KEY_ID);
}
