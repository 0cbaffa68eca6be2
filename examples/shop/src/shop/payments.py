"""POST /payments/webhook: what the payment provider tells us.

The route is open to all, so the message itself must prove where it comes from. The provider signs with a secret that it
shares with us: `Shop-Signature: t=UNIX_SECONDS,v1=HEX`, where HEX is the HMAC-SHA-256 of `UNIX_SECONDS.BODY`. The time
keeps an old message from being sent again; within the tolerance, the queue drops what it has seen.
"""

import hashlib
import hmac
import json
import os
import re
import time

import order_id
from answer import Refused, answer, json_object, raw_body, refusal
from log import log
from products import CURRENCY
from secret_store import secret

TOLERANCE_SECONDS = 300  # INVARIANT: no longer than the five minutes in which the queue recognises a message
SIGNATURE = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")
PAYMENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def handler(event, _context):
    """Verifies a payment message and queues the order that it pays."""
    try:
        body = raw_body(event)
        verify((event.get("headers") or {}).get("shop-signature", ""), body, time.time())
        payment, order = paid(body)
    except Refused as refused:
        log("payment refused", code=refused.code)
        return refusal(refused)
    queued = queue(payment)
    log("payment received", payment=payment["payment"], total_cents=order["total_cents"], queued=queued)
    return answer(200, {"received": payment["payment"], "queued": queued})


def verify(header, body, now):
    """Lets pass what the provider signed within the tolerance. All refusals read alike, so that none helps a forger."""
    refused = Refused(401, "bad-signature", "the signature is missing, wrong or too old")
    parts = SIGNATURE.fullmatch(header)
    if parts is None:
        raise refused
    sent, given = parts.groups()
    expected = hmac.new(secret("PAYMENT_WEBHOOK_SECRET_ARN"), sent.encode("ascii") + b"." + body, hashlib.sha256)
    # The signature first: how long a refusal takes must not tell which half was wrong.
    genuine = hmac.compare_digest(given, expected.hexdigest())
    if not genuine or abs(now - int(sent)) > TOLERANCE_SECONDS:
        raise refused


def paid(body):
    """The payment in a verified message, and our order that it pays to the cent."""
    payment = json_object(body, {"payment": str, "order": str, "amount_cents": int, "currency": str})
    if not PAYMENT_ID.fullmatch(payment["payment"]):
        raise Refused(400, "bad-payment", "`payment` is not a payment id")
    order = order_id.read(payment["order"], secret("ORDER_SIGNING_SECRET_ARN"))
    if order is None:
        raise Refused(422, "no-such-order", "`order` is not one of our orders")
    if (payment["amount_cents"], payment["currency"]) != (order["total_cents"], CURRENCY):
        raise Refused(422, "wrong-amount", "the amount is not what the order costs")
    return payment, order


def queue(payment):
    """Puts a paid order into the fulfilment queue. False where the shop runs away from AWS: there is no queue to reach.

    Any other trouble is raised: the provider then sees an error and sends its message again later.
    """
    if not aws_in_reach():
        log("not queued", reason="no AWS in reach")
        return False
    import boto3  # part of the platform's Python; taken up here so that the shop runs without it elsewhere

    boto3.client("sqs").send_message(
        QueueUrl=os.environ["FULFILMENT_QUEUE_URL"],
        MessageBody=json.dumps({"payment": payment["payment"], "order": payment["order"]}),
        MessageGroupId=hashlib.sha256(payment["order"].encode("ascii")).hexdigest(),
        MessageDeduplicationId=payment["payment"],
    )
    return True


def aws_in_reach():
    """Whether calls to AWS lead anywhere: to an endpoint, by a profile, or with credentials.

    Ids of credentials start with AKIA, or with ASIA when they are temporary, as those of every role.
    """
    if os.environ.get("AWS_ACCESS_KEY_ID") == "NOENDPOINT":
        return False
    named = os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_PROFILE")
    return bool(named) or os.environ.get("AWS_ACCESS_KEY_ID", "").startswith(("AKIA", "ASIA"))
