"""Answers in the form an HTTP API expects: JSON, never cached unless said so, never guessed at by a browser."""

import base64
import json


class Refused(Exception):
    """A request that cannot be granted. `code` is for programs, `message` for people; neither repeats what was sent."""

    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def answer(status, body, **headers):
    """The answer with this status and this body, an object that JSON can carry."""
    return {
        "statusCode": status,
        "headers": {
            "content-type": "application/json",
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
        }
        | {name.replace("_", "-"): value for name, value in headers.items()},
        "body": json.dumps(body),
    }


def refusal(refused):
    """The answer that tells a caller why not."""
    return answer(refused.status, {"error": {"code": refused.code, "message": refused.message}})


def raw_body(event):
    """The request's body as the bytes that were sent: signatures are made over these."""
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        # Half a surrogate pair is no UTF-8, but an event can hold one: it is judged like any other text.
        return body.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except ValueError:
        raise Refused(400, "bad-body", "the body cannot be decoded") from None


def json_object(body, fields):
    """The JSON object in `body`, which has each of these fields with a value of its type, and no other field."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "not-json", "the body is not JSON") from None
    if not isinstance(value, dict):
        raise Refused(400, "not-an-object", "the body is not a JSON object")
    for name, kind in fields.items():
        # A JSON `true` is an `int` to Python, but no number to anyone else.
        if not isinstance(value.get(name), kind) or (kind is int and isinstance(value[name], bool)):
            raise Refused(400, "bad-field", f"`{name}` is missing or of the wrong type")
    if set(value) != set(fields):
        raise Refused(400, "unknown-field", "the only fields are " + ", ".join(f"`{name}`" for name in fields))
    return value
