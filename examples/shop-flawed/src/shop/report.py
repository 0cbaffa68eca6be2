"""Every night: what the stock is worth."""

import json

from products import database


def handler(event, _context):
    """The report, for the schedule and for whoever knows the address."""
    total = database.execute("SELECT sum(stock * price_cents) FROM products").fetchone()[0]
    suppliers = database.execute("SELECT * FROM suppliers").fetchall()
    return {"statusCode": 200, "body": json.dumps({"stock_value_cents": total, "suppliers": suppliers})}
