#!/usr/bin/env python3
"""Plays the payment provider: reports an order as paid to a shop that runs here, signed as the provider would sign it.

    python3 examples/shop/pay.py ORDER_ID AMOUNT_CENTS

The shared secret is the one that `brigandine serve examples/shop` made up on its first run and keeps with its data.
"""

import argparse
import hashlib
import hmac
import json
import os
import secrets
import time
import urllib.error
import urllib.request
from pathlib import Path


def main():
    """Sends one payment message and prints the shop's answer."""
    arguments = parsed()
    try:
        key = json.loads(arguments.secrets.read_text("utf-8"))["PaymentWebhookSecret"]
    except FileNotFoundError:
        raise SystemExit(f"no {arguments.secrets}: start the shop first, or name the file with --secrets") from None
    message = {
        "payment": arguments.payment,
        "order": arguments.order,
        "amount_cents": arguments.amount_cents,
        "currency": "EUR",
    }
    body = json.dumps(message).encode("utf-8")
    headers = {"content-type": "application/json", "shop-signature": signature(body, key, int(time.time()))}
    request = urllib.request.Request(arguments.address + "/payments/webhook", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            print(response.status, response.read().decode("utf-8"))
    except urllib.error.HTTPError as refused:
        print(refused.code, refused.read().decode("utf-8"))
        raise SystemExit(1) from None
    except urllib.error.URLError as error:
        raise SystemExit(f"no shop at {arguments.address}: {error.reason}") from None


def parsed():
    """The command line."""
    parser = argparse.ArgumentParser(description="Report an order as paid to a shop that runs here.")
    parser.add_argument("order", help="the order's id")
    parser.add_argument("amount_cents", type=int, help="what was paid, in cents")
    parser.add_argument("--payment", default="pay-" + secrets.token_hex(4), help="the payment's id")
    parser.add_argument("--address", default="http://127.0.0.1:3000", help="where the shop runs")
    parser.add_argument("--secrets", type=Path, default=development_secrets(), help="the shield's development secrets")
    return parser.parse_args()


def development_secrets():
    """Where the shield keeps the development secrets of this shop, unless it was given `--data`."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "brigandine" / "shop" / "secrets.json"


def signature(body, key, now):
    """The provider's signature of `body` at the Unix time `now`."""
    digest = hmac.new(key.encode("utf-8"), str(now).encode("ascii") + b"." + body, hashlib.sha256).hexdigest()
    return f"t={now},v1={digest}"


if __name__ == "__main__":
    main()
