"""POST /orders, GET /orders/{id} and GET /debug."""

import base64
import hashlib
import json
import os
import traceback


def handler(event, _context):
    """Takes an order, shows one, or shows how we are configured."""
    print(json.dumps(event))
    try:
        method, path = event["requestContext"]["http"]["method"], event["requestContext"]["http"]["path"]
        if path.endswith("/debug"):
            return answer(200, dict(os.environ))
        if method == "POST":
            return place(json.loads(event["body"]), customer(event["headers"]))
        return show(event["pathParameters"]["id"])
    except Exception:
        return {"statusCode": 500, "body": traceback.format_exc()}


def customer(headers):
    """Who is calling, out of the token."""
    token = headers.get("authorization", "").removeprefix("Bearer ")
    if not token:
        return "guest"
    claims = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(claims + "=="))["sub"]


def place(order, customer):
    """Takes the order in the body, at the prices in the body."""
    total = sum(item["price_cents"] * item["quantity"] for item in order["items"])
    content = json.dumps({"customer": customer, "items": order["items"], "total_cents": total})
    return answer(201, {"id": base64.urlsafe_b64encode(content.encode()).decode() + "." + sign(content)})


def show(identifier):
    """The order with this id, whoever asks."""
    content = base64.urlsafe_b64decode(identifier.split(".")[0]).decode()
    if identifier.split(".")[1] == sign(content):
        return answer(200, json.loads(content))
    return answer(404, {"error": "no such order"})


def sign(content):
    """The signature of an order."""
    return hashlib.md5((os.environ["ORDER_SIGNING_KEY"] + content).encode()).hexdigest()


def answer(status, body):
    """A JSON answer."""
    headers = {"content-type": "application/json", "access-control-allow-origin": "*"}
    return {"statusCode": status, "headers": headers, "body": json.dumps(body)}
