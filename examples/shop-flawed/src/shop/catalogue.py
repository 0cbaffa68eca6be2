"""GET /products: what the shop sells, for everyone."""

import json
import traceback

from products import database


def handler(event, _context):
    """Lists products, of one `?category=` if asked."""
    try:
        query = "SELECT id, name, category, price_cents FROM products"
        category = (event.get("queryStringParameters") or {}).get("category")
        if category:
            query += f" WHERE category = '{category}'"
        names = ("id", "name", "category", "price_cents")
        rows = [dict(zip(names, row)) for row in database.execute(query)]
        return {"statusCode": 200, "body": json.dumps({"products": rows})}
    except Exception:
        return {"statusCode": 500, "body": traceback.format_exc()}
