"""The catalogue. It is part of the bundle: a new price is a new deployment, and every price has a reviewer."""

import json
from pathlib import Path

CURRENCY = "EUR"
_TEXT = Path(__file__).with_name("products.json").read_text("utf-8")
PRODUCTS = {product["id"]: product for product in json.loads(_TEXT)}
