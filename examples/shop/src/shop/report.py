"""Every night: what to order again, and what the stock is worth. The platform carries the answer to the team."""

import time
from collections import Counter

from log import log
from products import CURRENCY, PRODUCTS

SCARCE = 5


def handler(event, _context):
    """The report for the time the schedule names, or for now when started by hand."""
    report = {
        "at": event.get("time") or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "order_again": [p["id"] for p in PRODUCTS.values() if p["stock"] < SCARCE],
        "products_by_category": dict(Counter(p["category"] for p in PRODUCTS.values())),
        "stock_value_cents": sum(p["stock"] * p["price_cents"] for p in PRODUCTS.values()),
        "currency": CURRENCY,
    }
    log("report", **report)
    return report
