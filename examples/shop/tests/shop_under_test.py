"""What the tests stand on: the functions' folder on the path, and a stand-in for the secrets extension."""

import contextlib
import io
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest import TestCase
from urllib.parse import parse_qs, urlsplit

SHOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(SHOP / "src" / "shop"))
sys.path.insert(0, str(SHOP))
sys.dont_write_bytecode = True

import secret_store  # noqa: E402

SECRETS = {"OrderSigningSecret": "order-key-of-the-tests", "PaymentWebhookSecret": "webhook-key-of-the-tests"}
TOKEN = "session-token-of-the-tests"


class Extension(BaseHTTPRequestHandler):
    """Answers as the Parameters and Secrets extension does."""

    def do_GET(self):
        """`/secretsmanager/get?secretId=NAME`, for those who know the session token."""
        address = urlsplit(self.path)
        name = parse_qs(address.query).get("secretId", [""])[0]
        if address.path != "/secretsmanager/get" or self.headers.get("X-Aws-Parameters-Secrets-Token") != TOKEN:
            self.reply(401, {})
        elif name not in SECRETS:
            self.reply(400, {"Message": "ResourceNotFoundException"})
        else:
            self.reply(200, {"Name": name, "SecretString": SECRETS[name]})

    def reply(self, status, body):
        """One JSON answer."""
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode("utf-8"))

    def log_message(self, *_):
        """Quiet."""


class ShopTest(TestCase):
    """A test with the shop's environment; what the functions log is in `self.logged`."""

    def setUp(self):
        extension = ThreadingHTTPServer(("127.0.0.1", 0), Extension)
        threading.Thread(target=extension.serve_forever, args=(0.01,), daemon=True).start()
        self.addCleanup(extension.server_close)
        self.addCleanup(extension.shutdown)
        self.environment(
            PARAMETERS_SECRETS_EXTENSION_HTTP_PORT=str(extension.server_address[1]),
            AWS_SESSION_TOKEN=TOKEN,
            AWS_ACCESS_KEY_ID=None,
            AWS_ENDPOINT_URL=None,
            AWS_PROFILE=None,
            ORDER_SIGNING_SECRET_ARN="OrderSigningSecret",
            PAYMENT_WEBHOOK_SECRET_ARN="PaymentWebhookSecret",
            FULFILMENT_QUEUE_URL="https://queue.example.com/orders.fifo",
        )
        secret_store._kept.clear()
        self.log = io.StringIO()
        redirected = contextlib.redirect_stdout(self.log)
        redirected.__enter__()
        self.addCleanup(redirected.__exit__, None, None, None)

    def environment(self, **variables):
        """Sets (or with None: removes) environment variables for this test."""
        for name, value in variables.items():
            before = os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
            self.addCleanup(restore, name, before)

    @property
    def logged(self):
        """The lines logged so far."""
        return [json.loads(line) for line in self.log.getvalue().splitlines()]

    def assert_refused(self, answer, status, code):
        """The answer is this refusal, in JSON."""
        self.assertEqual((answer["statusCode"], json.loads(answer["body"])["error"]["code"]), (status, code))


def restore(name, value):
    """Gives an environment variable its former value, or none."""
    os.environ.pop(name, None)
    if value is not None:
        os.environ[name] = value


def request(method, path, *, body=None, customer=None, headers=None, identifier=None, query=None):
    """An event as an HTTP API sends it (payload 2.0)."""
    context = {"http": {"method": method, "path": path}}
    if customer is not None:
        context["authorizer"] = {"jwt": {"claims": {"sub": customer}, "scopes": None}}
    event = {"version": "2.0", "requestContext": context, "headers": headers or {}, "isBase64Encoded": False}
    if body is not None:
        event["body"] = body if isinstance(body, str) else json.dumps(body)
    if identifier is not None:
        event["pathParameters"] = {"id": identifier}
    if query is not None:
        event["queryStringParameters"] = query
    return event


def sample(name):
    """One of the sample events."""
    return json.loads((SHOP / "events" / f"{name}.json").read_text("utf-8"))
