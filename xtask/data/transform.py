"""Puts a SAM template through the official transform; says what it makes of it, or what is wrong, and exits 1.

Usage: transform.py template.yaml

Needs the package `aws-sam-translator`. Nothing is asked of any account: the region and the managed policies are made up.
"""

import os
import sys

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from samtranslator.model.exceptions import InvalidDocumentException  # noqa: E402
from samtranslator.parser.parser import Parser  # noqa: E402
from samtranslator.translator.translator import Translator  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402


class AnyManagedPolicy(dict):
    """Stands for the account's list of managed policies: every name resolves."""

    def __contains__(self, name):
        return True

    def __getitem__(self, name):
        return f"arn:aws:iam::aws:policy/{name}"

    def get(self, name, default=None):
        return self[name]


def local_code(document):
    """A folder on disk stands for its upload: the transform only knows addresses."""
    for resource in document["Resources"].values():
        properties = resource.setdefault("Properties", {}) if isinstance(resource, dict) else {}
        for name in ("CodeUri", "ContentUri", "DefinitionUri"):
            if isinstance(properties.get(name), str) and not properties[name].startswith("s3://"):
                properties[name] = "s3://bucket/key"
    return document


def parameters(document):
    declared = document.get("Parameters", {})
    return {name: facts.get("Default", "value") for name, facts in declared.items()}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        document = local_code(yaml_parse(file.read()))
    try:
        made = Translator(AnyManagedPolicy(), Parser()).translate(document, parameters(document))
    except InvalidDocumentException as error:
        raise SystemExit("\n".join([error.message] + [cause.message for cause in error.causes]))
    print(f"{len(document['Resources'])} resources become {len(made['Resources'])}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: transform.py template.yaml")
    main()
