"""The catalogue, in a database in memory."""

import json
import sqlite3
from pathlib import Path

PRODUCTS = {p["id"]: p for p in json.loads(Path(__file__).with_name("products.json").read_text("utf-8"))}

database = sqlite3.connect(":memory:", check_same_thread=False)
database.execute("CREATE TABLE products (id TEXT, name TEXT, category TEXT, price_cents INTEGER, stock INTEGER)")
database.executemany("INSERT INTO products VALUES (:id, :name, :category, :price_cents, :stock)", PRODUCTS.values())
database.execute("CREATE TABLE suppliers (name TEXT, terms TEXT)")
database.execute("INSERT INTO suppliers VALUES ('foundry-north', 'half price above 20 pieces')")
