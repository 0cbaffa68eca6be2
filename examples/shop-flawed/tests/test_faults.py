"""The faults of the flawed shop's Python code are real: each test is an attack that succeeds."""

import base64
import contextlib
import io
import json
import os
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src" / "shop"))

import catalogue  # noqa: E402
import orders  # noqa: E402
import payments  # noqa: E402
import report  # noqa: E402

os.environ["ORDER_SIGNING_KEY"] = "order-key-of-the-tests"
os.environ["PAYMENT_WEBHOOK_SECRET"] = "webhook-key-of-the-tests"


def called(handler, method="GET", path="/", **event):
    """Status and body of the answer."""
    context = {"http": {"method": method, "path": path}}
    with contextlib.redirect_stdout(io.StringIO()):
        answer = handler({"requestContext": context, "headers": {}} | event, None)
    return answer["statusCode"], answer["body"]


def forged_token(subject):
    """A token that nobody signed."""
    claims = base64.urlsafe_b64encode(json.dumps({"sub": subject}).encode()).decode().rstrip("=")
    return {"authorization": f"Bearer e30.{claims}.AA"}


class FaultsTest(unittest.TestCase):
    def test_it_runs(self):
        self.assertEqual(len(json.loads(called(catalogue.handler)[1])["products"]), 10)
        self.assertEqual(called(report.handler)[0], 200)

    def test_the_query_reaches_other_tables(self):
        injected = {"category": "' UNION SELECT name, terms, 1, 1 FROM suppliers --"}
        self.assertIn("half price", called(catalogue.handler, queryStringParameters=injected)[1])

    def test_errors_show_the_code(self):
        self.assertIn("Traceback", called(catalogue.handler, queryStringParameters={"category": "'"})[1])

    def test_anyone_orders_in_anyones_name_at_any_price_and_reads_it(self):
        body = json.dumps({"items": [{"product": "teapot", "quantity": 1, "price_cents": 1}]})
        status, placed = called(orders.handler, "POST", "/orders", body=body, headers=forged_token("anna"))
        self.assertEqual(status, 201)
        shown = called(orders.handler, "GET", "/orders/x", pathParameters={"id": json.loads(placed)["id"]})[1]
        self.assertEqual((json.loads(shown)["customer"], json.loads(shown)["total_cents"]), ("anna", 1))

    def test_the_environment_is_public(self):
        self.assertIn("order-key-of-the-tests", called(orders.handler, "GET", "/debug")[1])

    def test_unsigned_payments_pass_and_wrong_ones_learn_the_signature(self):
        self.assertEqual(called(payments.handler, "POST", body='{"payment": "p"}')[0], 200)
        refused = called(payments.handler, "POST", body="{}", headers={"shop-signature": "x"})[1]
        expected = json.loads(refused)["error"].removeprefix("expected ")
        self.assertEqual(called(payments.handler, "POST", body="{}", headers={"shop-signature": expected})[0], 200)


if __name__ == "__main__":
    unittest.main()
