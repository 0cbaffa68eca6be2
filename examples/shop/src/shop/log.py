"""One line of JSON per thing that happened. Data in fields; no secrets, no bodies."""

import json


def log(happened, **fields):
    """Writes one line."""
    print(json.dumps({"happened": happened} | fields), flush=True)
