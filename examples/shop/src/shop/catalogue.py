"""GET /products and GET /products/{id}: what the shop sells, for everyone."""

from answer import Refused, answer, refusal
from products import CURRENCY, PRODUCTS

CATEGORIES = {product["category"] for product in PRODUCTS.values()}


def handler(event, _context):
    """Lists products, of one `?category=` if asked, or shows the product that the path names."""
    try:
        identifier = (event.get("pathParameters") or {}).get("id")
        body = listing(event.get("queryStringParameters") or {}) if identifier is None else product(identifier)
    except Refused as refused:
        return refusal(refused)
    return answer(200, body, cache_control="public, max-age=60")


def listing(query):
    """All products, or those of one category."""
    category = query.get("category")
    if category is not None and category not in CATEGORIES:
        raise Refused(400, "unknown-category", "the categories are " + ", ".join(sorted(CATEGORIES)))
    return {"products": [shown(p) for p in PRODUCTS.values() if category in (None, p["category"])]}


def product(identifier):
    """One product."""
    if identifier not in PRODUCTS:
        raise Refused(404, "no-such-product", "no product has this id")
    return shown(PRODUCTS[identifier])


def shown(product):
    """What customers see of a product: whether there is any, not how many."""
    fields = {name: product[name] for name in ("id", "name", "category", "price_cents")}
    return fields | {"currency": CURRENCY, "available": product["stock"] > 0}
