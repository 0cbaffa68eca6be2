"""Works through the queue of paid orders."""

import json


def handler(event, _context):
    """Writes a packing list per message. One bad message fails the whole batch, again and again."""
    for record in event["Records"]:
        message = json.loads(record["body"])
        print(f"pack {message['order']}")
    return "ok"
