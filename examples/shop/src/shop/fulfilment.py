"""Works through the queue of paid orders, and answers for each message on its own.

The queue is first in, first out: after a message that fails, those behind it are handed back untouched, or the order of
things would be lost. What keeps failing ends in the queue for unfulfilled orders, where a person looks at it.
"""

import order_id
from answer import Refused, json_object
from log import log
from products import PRODUCTS
from secret_store import secret


def handler(event, _context):
    """Writes a packing list per message. Names the messages that must come again."""
    records = event["Records"]
    key = secret("ORDER_SIGNING_SECRET_ARN")
    for position, record in enumerate(records):
        try:
            packing = packing_list(record["body"], key)
        except Refused as refused:
            log("order not fulfilled", message=record["messageId"], code=refused.code)
            return {"batchItemFailures": [{"itemIdentifier": late["messageId"]} for late in records[position:]]}
        log("order to pack", **packing)
    return {"batchItemFailures": []}


def packing_list(body, key):
    """What to put into the parcel. The signature is checked here too: a queue is one more way in."""
    message = json_object(body, {"payment": str, "order": str})
    order = order_id.read(message["order"], key)
    if order is None:
        raise Refused(422, "no-such-order", "`order` is not one of our orders")
    if any(product not in PRODUCTS for product, _ in order["lines"]):
        raise Refused(422, "no-such-product", "a product of the order is no longer in the catalogue")
    return {
        "payment": message["payment"],
        "parcel": [{"name": PRODUCTS[product]["name"], "quantity": quantity} for product, quantity in order["lines"]],
    }
