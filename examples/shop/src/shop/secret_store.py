"""Secrets by reference: the environment names a secret, the Parameters and Secrets extension hands out its value.

The extension answers on the loopback address beside the function and keeps values for a while itself; what is kept here
for a minute only spares the way there. A rotated secret is in use soon after, without a deployment.
"""

import http.client
import json
import os
import time
from urllib.parse import urlencode

from answer import Refused
from log import log

KEPT_SECONDS = 60
_kept = {}


def secret(variable):
    """The value, as bytes, of the secret that the environment variable `variable` names."""
    identifier = os.environ[variable]
    value, fetched = _kept.get(identifier, (None, 0.0))
    if value is None or time.monotonic() - fetched > KEPT_SECONDS:
        value = _fetch(identifier)
        _kept[identifier] = (value, time.monotonic())
    return value


def _fetch(identifier):
    port = int(os.environ.get("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", "2773"))
    connection = http.client.HTTPConnection("localhost", port, timeout=2)
    try:
        connection.request(
            "GET",
            "/secretsmanager/get?" + urlencode({"secretId": identifier}),
            headers={"X-Aws-Parameters-Secrets-Token": os.environ.get("AWS_SESSION_TOKEN", "")},
        )
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise _unavailable(identifier, f"no answer on port {port}: {error}") from None
    finally:
        connection.close()
    if response.status != 200:
        raise _unavailable(identifier, f"the extension answered {response.status}")
    try:
        return json.loads(body)["SecretString"].encode("utf-8")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _unavailable(identifier, "the extension answered without a text value") from None


def _unavailable(identifier, reason):
    """What happened goes to the log; the caller learns only that it is worth trying again."""
    log("secret unavailable", secret=identifier, reason=reason)
    return Refused(503, "not-ready", "the shop cannot do this now, try again in a moment")
