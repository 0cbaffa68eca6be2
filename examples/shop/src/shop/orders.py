"""POST /orders and GET /orders/{id}: for signed-in customers. The API has verified the token before we run."""

import time

import order_id
from answer import Refused, answer, json_object, raw_body, refusal
from log import log
from products import CURRENCY, PRODUCTS
from secret_store import secret

MOST_LINES = 20
MOST_OF_ONE = 99


def handler(event, _context):
    """Takes an order, or shows a customer one of their own."""
    try:
        customer = event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"]
    except (KeyError, TypeError):
        # The route is declared closed; should it ever be opened by mistake, it stays closed here.
        return refusal(Refused(401, "not-signed-in", "sign in first"))
    try:
        if event["requestContext"]["http"]["method"] == "POST":
            return place(event, customer)
        return show(event["pathParameters"]["id"], customer)
    except Refused as refused:
        return refusal(refused)


def place(event, customer):
    """Takes the order in the body: `{"items": [{"product": ID, "quantity": COUNT}, ...]}`."""
    lines = ordered(json_object(raw_body(event), {"items": list})["items"])
    key = secret("ORDER_SIGNING_SECRET_ARN")
    order = {
        "customer": order_id.customer_mark(customer, key),
        "lines": lines,
        "total_cents": sum(PRODUCTS[product]["price_cents"] * quantity for product, quantity in lines),
        "placed": int(time.time()),
    }
    identifier = order_id.make(order, key)
    log("order placed", total_cents=order["total_cents"], lines=len(lines))
    return answer(201, shown(identifier, order), location=f"/orders/{identifier}")


def ordered(items):
    """The lines of an order as pairs of product and quantity, all of which we can sell."""
    if not 1 <= len(items) <= MOST_LINES:
        raise Refused(400, "bad-items", f"`items` holds 1 to {MOST_LINES} entries")
    lines = {}
    for item in items:
        if not isinstance(item, dict) or set(item) != {"product", "quantity"}:
            raise Refused(400, "bad-item", "an item has a `product` and a `quantity`, and nothing else")
        product, quantity = item["product"], item["quantity"]
        if not isinstance(product, str) or product not in PRODUCTS:
            raise Refused(422, "no-such-product", "an item names a product that we do not have")
        if type(quantity) is not int or not 1 <= quantity <= MOST_OF_ONE:
            raise Refused(400, "bad-quantity", f"a quantity is a whole number from 1 to {MOST_OF_ONE}")
        if product in lines:
            raise Refused(400, "product-twice", "a product stands in one item only")
        if PRODUCTS[product]["stock"] < quantity:
            raise Refused(409, "out-of-stock", f"there is not enough of `{product}`")
        lines[product] = quantity
    return [list(line) for line in lines.items()]


def show(identifier, customer):
    """The order with this id. Another customer's order is answered like one that does not exist."""
    key = secret("ORDER_SIGNING_SECRET_ARN")
    order = order_id.read(identifier, key)
    if order is None or order["customer"] != order_id.customer_mark(customer, key):
        raise Refused(404, "no-such-order", "you have no order with this id")
    return answer(200, shown(identifier, order))


def shown(identifier, order):
    """What the customer sees of an order."""
    return {
        "id": identifier,
        "items": [{"product": product, "quantity": quantity} for product, quantity in order["lines"]],
        "total_cents": order["total_cents"],
        "currency": CURRENCY,
        "placed": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(order["placed"])),
    }
