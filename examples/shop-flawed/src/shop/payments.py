"""POST /payments/webhook: what the payment provider tells us."""

import hashlib
import hmac
import json
import os


def handler(event, _context):
    """Marks an order as paid."""
    body = event.get("body") or "{}"
    signature = event["headers"].get("shop-signature")
    if signature:
        expected = hmac.new(os.environ["PAYMENT_WEBHOOK_SECRET"].encode(), body.encode(), hashlib.sha256).hexdigest()
        if signature != expected:
            return {"statusCode": 401, "body": json.dumps({"error": f"expected {expected}"})}
    payment = json.loads(body)
    print(f"paid: {payment}")
    return {"statusCode": 200, "body": json.dumps({"received": payment.get("payment")})}
