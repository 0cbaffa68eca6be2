"""The shop's Python functions, called as the platform calls them."""

import base64
import json
import sys
import time
import types
import unittest

from shop_under_test import SECRETS, ShopTest, request, sample

import catalogue
import fulfilment
import order_id
import orders
import pay
import payments
import report

ORDER_KEY = SECRETS["OrderSigningSecret"].encode()


def placed(customer="anna", items=None):
    """Places an order and returns its body."""
    items = items or [{"product": "teapot", "quantity": 2}]
    answer = orders.handler(request("POST", "/orders", body={"items": items}, customer=customer), None)
    assert answer["statusCode"] == 201, answer
    return json.loads(answer["body"])


class CatalogueTest(ShopTest):
    def test_lists_all_products_without_telling_the_stock(self):
        answer = catalogue.handler(request("GET", "/products"), None)
        products = json.loads(answer["body"])["products"]
        self.assertEqual((answer["statusCode"], len(products)), (200, 10))
        self.assertEqual(set(products[0]), {"id", "name", "category", "price_cents", "currency", "available"})

    def test_lists_one_category(self):
        answer = catalogue.handler(sample("list-products"), None)
        self.assertEqual([p["id"] for p in json.loads(answer["body"])["products"]], ["teapot", "kettle", "bread-knife"])

    def test_refuses_an_unknown_category_without_repeating_it(self):
        answer = catalogue.handler(request("GET", "/products", query={"category": "<script>"}), None)
        self.assert_refused(answer, 400, "unknown-category")
        self.assertNotIn("<script>", answer["body"])

    def test_shows_one_product_and_no_other(self):
        shown = catalogue.handler(request("GET", "/products/apron", identifier="apron"), None)
        self.assertEqual(json.loads(shown["body"])["available"], False)
        missing = catalogue.handler(request("GET", "/products/x", identifier="../products.json"), None)
        self.assert_refused(missing, 404, "no-such-product")


class OrdersTest(ShopTest):
    def test_an_order_can_be_read_back_by_its_customer(self):
        order = placed(items=[{"product": "teapot", "quantity": 2}, {"product": "ink", "quantity": 1}])
        self.assertEqual(order["total_cents"], 2 * 4900 + 1250)
        shown = orders.handler(request("GET", "/orders/x", customer="anna", identifier=order["id"]), None)
        self.assertEqual(json.loads(shown["body"]), order)

    def test_the_sample_event_places_an_order(self):
        answer = orders.handler(sample("place-order"), None)
        self.assertEqual((answer["statusCode"], json.loads(answer["body"])["total_cents"]), (201, 4900 + 2 * 1950))
        self.assertTrue(answer["headers"]["location"].startswith("/orders/"))

    def test_nobody_else_sees_it(self):
        order = placed(customer="anna")
        shown = orders.handler(request("GET", "/orders/x", customer="berta", identifier=order["id"]), None)
        self.assert_refused(shown, 404, "no-such-order")

    def test_an_order_does_not_name_its_customer(self):
        content = placed(customer="anna")["id"].split(".")[0]
        self.assertNotIn("anna", base64.urlsafe_b64decode(content + "==").decode())

    def test_changed_and_made_up_ids_are_no_orders(self):
        content, signature = placed()["id"].split(".")
        whole = f"{content}.{signature}"
        richer = base64.urlsafe_b64encode(b'{"customer":"x","lines":[],"total_cents":0}').decode().rstrip("=")
        last = "A" if signature[-1] != "A" else "B"
        changed = [f"{richer}.{signature}", f"{content}.{signature[:-1]}{last}", content, f"{content}.", f"{whole}="]
        for wrong in [*changed, ".", "", "ö" * 9, "x" * 9000]:
            shown = orders.handler(request("GET", "/orders/x", customer="anna", identifier=wrong), None)
            self.assert_refused(shown, 404, "no-such-order")

    def test_without_a_verified_token_there_is_no_service(self):
        self.assert_refused(orders.handler(request("POST", "/orders", body={"items": []}), None), 401, "not-signed-in")

    def test_bad_orders_are_refused_with_a_reason(self):
        line = {"product": "teapot", "quantity": 1}
        for body, status, code in (
            ("{", 400, "not-json"),
            ("[" * 100_000, 400, "not-json"),
            ('{"items": "\ud800"}', 400, "bad-field"),
            ("9" * 5000, 400, "not-json"),
            ("[]", 400, "not-an-object"),
            ({}, 400, "bad-field"),
            ({"items": [line], "discount": 100}, 400, "unknown-field"),
            ({"items": []}, 400, "bad-items"),
            ({"items": [line] * 21}, 400, "bad-items"),
            ({"items": ["teapot"]}, 400, "bad-item"),
            ({"items": [{"product": "teapot", "quantity": 1, "price_cents": 1}]}, 400, "bad-item"),
            ({"items": [{"product": ["teapot"], "quantity": 1}]}, 422, "no-such-product"),
            ({"items": [{"product": "yacht", "quantity": 1}]}, 422, "no-such-product"),
            ({"items": [{"product": "teapot", "quantity": 0}]}, 400, "bad-quantity"),
            ({"items": [{"product": "teapot", "quantity": -3}]}, 400, "bad-quantity"),
            ({"items": [{"product": "teapot", "quantity": 1.5}]}, 400, "bad-quantity"),
            ({"items": [{"product": "teapot", "quantity": True}]}, 400, "bad-quantity"),
            ({"items": [line, line]}, 400, "product-twice"),
            ({"items": [{"product": "apron", "quantity": 1}]}, 409, "out-of-stock"),
        ):
            with self.subTest(body=str(body)[:60]):
                answer = orders.handler(request("POST", "/orders", body=body, customer="anna"), None)
                self.assert_refused(answer, status, code)

    def test_a_body_in_base64_is_read(self):
        event = request("POST", "/orders", customer="anna")
        body = base64.b64encode(b'{"items":[{"product":"ink","quantity":1}]}').decode()
        event |= {"body": body, "isBase64Encoded": True}
        self.assertEqual(orders.handler(event, None)["statusCode"], 201)
        for undecodable in ("***", "ö", "A"):
            self.assert_refused(orders.handler(event | {"body": undecodable}, None), 400, "bad-body")

    def test_without_the_secret_it_says_so_and_shows_nothing(self):
        self.environment(ORDER_SIGNING_SECRET_ARN="Unheard")
        event = request("POST", "/orders", body={"items": [{"product": "ink", "quantity": 1}]}, customer="anna")
        self.assert_refused(orders.handler(event, None), 503, "not-ready")
        self.assertEqual(self.logged[-1]["reason"], "the extension answered 400")
        self.environment(PARAMETERS_SECRETS_EXTENSION_HTTP_PORT="1")
        self.assert_refused(orders.handler(event, None), 503, "not-ready")

    def test_the_secret_is_fetched_with_the_session_token(self):
        self.environment(AWS_SESSION_TOKEN="another")
        event = request("GET", "/orders/x", customer="anna", identifier="x.y")
        self.assert_refused(orders.handler(event, None), 503, "not-ready")


class PaymentsTest(ShopTest):
    def message(self, order, /, **changes):
        """A payment message for an order, as bytes."""
        amount = {"payment": "pay-1", "order": order["id"], "amount_cents": order["total_cents"], "currency": "EUR"}
        return json.dumps(amount | changes).encode()

    def sent(self, body, signature):
        """The answer to a message with this signature."""
        headers = {"shop-signature": signature} if signature is not None else {}
        return payments.handler(request("POST", "/payments/webhook", body=body.decode(), headers=headers), None)

    def signed(self, body, now=None):
        """The answer to a message that the provider signed."""
        return self.sent(body, pay.signature(body, SECRETS["PaymentWebhookSecret"], now or int(time.time())))

    def test_a_signed_payment_is_received(self):
        answer = self.signed(self.message(placed()))
        self.assertEqual(json.loads(answer["body"]), {"received": "pay-1", "queued": False})
        self.assertEqual(self.logged[-2], {"happened": "not queued", "reason": "no AWS in reach"})

    def test_the_signature_covers_the_bytes_that_were_sent(self):
        body = self.message(placed())
        event = request("POST", "/payments/webhook", body=base64.b64encode(body).decode())
        signature = pay.signature(body, SECRETS["PaymentWebhookSecret"], int(time.time()))
        event |= {"isBase64Encoded": True, "headers": {"shop-signature": signature}}
        self.assertEqual(payments.handler(event, None)["statusCode"], 200)

    def test_what_the_provider_did_not_sign_is_refused(self):
        body, now, key = self.message(placed()), int(time.time()), SECRETS["PaymentWebhookSecret"]
        good = pay.signature(body, key, now)
        malformed = [None, "", "t=,v1=", good[:-1], good + "0", good.replace("v1", "v0"), good.upper()]
        endless = "t=" + "9" * 5000 + good[good.index(",") :]
        forged = [pay.signature(body, "another key", now), pay.signature(body + b" ", key, now)]
        for wrong in [*malformed, endless, *forged, good.replace(f"t={now}", f"t={now + 1}")]:
            with self.subTest(signature=str(wrong)[:40]):
                self.assert_refused(self.sent(body, wrong), 401, "bad-signature")

    def test_old_and_early_messages_are_refused(self):
        body, now = self.message(placed()), int(time.time())
        for then in (now - 400, now + 400):
            self.assert_refused(self.signed(body, then), 401, "bad-signature")

    def test_a_signed_message_must_still_be_sound(self):
        order = placed()
        for changes, status, code in (
            ({"amount_cents": 1}, 422, "wrong-amount"),
            ({"currency": "USD"}, 422, "wrong-amount"),
            ({"amount_cents": True}, 400, "bad-field"),
            ({"order": "made.up"}, 422, "no-such-order"),
            ({"payment": "a b"}, 400, "bad-payment"),
            ({"payment": "pay-1\n"}, 400, "bad-payment"),
            ({"note": "x"}, 400, "unknown-field"),
        ):
            with self.subTest(changes=changes):
                self.assert_refused(self.signed(self.message(order, **changes)), status, code)

    def test_on_aws_a_paid_order_is_queued_once_per_payment(self):
        sent = []
        queue = types.SimpleNamespace(send_message=lambda **message: sent.append(message))
        self.environment(AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE")
        sys.modules["boto3"] = types.SimpleNamespace(client=lambda name: queue)
        self.addCleanup(sys.modules.pop, "boto3")
        order = placed()
        answer = self.signed(self.message(order))
        self.assertEqual(json.loads(answer["body"])["queued"], True)
        self.assertEqual(sent[0]["MessageDeduplicationId"], "pay-1")
        self.assertEqual(json.loads(sent[0]["MessageBody"]), {"payment": "pay-1", "order": order["id"]})

    def test_where_calls_to_aws_lead(self):
        for variables, reached in (
            ({"AWS_ACCESS_KEY_ID": "LOCALPLACEHOLDER"}, False),
            ({"AWS_ACCESS_KEY_ID": "NOENDPOINT", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, False),
            ({"AWS_ACCESS_KEY_ID": "ASIAIOSFODNN7EXAMPLE"}, True),
            ({"AWS_ACCESS_KEY_ID": "LOCALPLACEHOLDER", "AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}, True),
            ({"AWS_PROFILE": "staging"}, True),
        ):
            self.environment(**{"AWS_ACCESS_KEY_ID": None, "AWS_ENDPOINT_URL": None, "AWS_PROFILE": None} | variables)
            self.assertEqual(payments.aws_in_reach(), reached, variables)

    def test_a_queue_in_trouble_is_the_providers_to_know(self):
        def fails(_name):
            raise ConnectionError("the queue is away")

        self.environment(AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE")
        sys.modules["boto3"] = types.SimpleNamespace(client=fails)
        self.addCleanup(sys.modules.pop, "boto3")
        with self.assertRaises(ConnectionError):
            self.signed(self.message(placed()))


class FulfilmentTest(ShopTest):
    def records(self, *bodies):
        """A batch of messages, numbered from 1."""
        return {"Records": [{"messageId": str(n), "body": body} for n, body in enumerate(bodies, 1)]}

    def paid(self):
        """The message for an order that was paid."""
        return json.dumps({"payment": "pay-1", "order": placed()["id"]})

    def test_paid_orders_become_packing_lists(self):
        self.assertEqual(fulfilment.handler(self.records(self.paid(), self.paid()), None), {"batchItemFailures": []})
        self.assertEqual(self.logged[-1]["parcel"], [{"name": "Teapot, cast iron", "quantity": 2}])

    def test_after_a_failure_the_rest_is_handed_back_in_order(self):
        answer = fulfilment.handler(self.records(self.paid(), "garbage", self.paid()), None)
        self.assertEqual(answer, {"batchItemFailures": [{"itemIdentifier": "2"}, {"itemIdentifier": "3"}]})

    def test_a_forged_order_is_not_packed(self):
        answer = fulfilment.handler(sample("forged-order"), None)
        self.assertEqual(len(answer["batchItemFailures"]), 1)
        self.assertEqual(self.logged[-1]["code"], "no-such-order")

    def test_a_product_that_is_gone_is_not_packed(self):
        order = order_id.make({"customer": "x", "lines": [["yacht", 1]], "total_cents": 1, "placed": 0}, ORDER_KEY)
        fulfilment.handler(self.records(json.dumps({"payment": "pay-1", "order": order})), None)
        self.assertEqual(self.logged[-1]["code"], "no-such-product")


class ReportTest(ShopTest):
    def test_reports_for_the_scheduled_time(self):
        made = report.handler(sample("every-night"), None)
        self.assertEqual(made["at"], "2026-11-23T02:00:00Z")
        self.assertEqual(made["order_again"], ["kettle", "apron", "ink"])

    def test_can_be_started_by_hand(self):
        self.assertRegex(report.handler({}, None)["at"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")


if __name__ == "__main__":
    unittest.main()
