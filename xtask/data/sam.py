"""Writes what the SAM transform keeps as data to standard output: policy templates, connectors, names of managed policies.

Usage: sam.py policy-templates > crates/template/data/policy-templates.json
       sam.py connector-profiles > crates/template/data/connector-profiles.json
       sam.py managed-policy-names > crates/template/data/managed-policy-names.json

Needs the package `aws-sam-translator`, which carries them. Descriptions and comments are left out: nothing reads them.
"""

import datetime
import importlib.metadata
import json
import pathlib
import sys

import samtranslator

FOLDER = pathlib.Path(samtranslator.__file__).parent
TEMPLATES = FOLDER / "policy_templates_data" / "policy_templates.json"
PROFILES = FOLDER / "model" / "connector_profiles" / "profiles.json"
MANAGED = FOLDER / "internal" / "data" / "aws_managed_policies.json"


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def as_list(value):
    return value if isinstance(value, list) else [value]


def policy_templates():
    """Name -> its parameters in order and its statements."""
    templates = read(TEMPLATES)["Templates"]
    made = {
        name: {"parameters": list(template["Parameters"]), "statements": as_list(template["Definition"]["Statement"])}
        for name, template in sorted(templates.items())
    }
    return {"templates": made}


def connector_profiles():
    """Kind of source -> kind of destination -> what connects them; and how each kind is referred to."""
    profiles = read(PROFILES)
    return {"profiles": without_comments(profiles["Permissions"]), "resources": profiles["CfnResourceProperties"]}


def without_comments(value):
    if isinstance(value, dict):
        return {key: without_comments(part) for key, part in value.items() if key != "_comment"}
    return [without_comments(part) for part in value] if isinstance(value, list) else value


def managed_policy_names():
    """Path -> the names below it, of the standard partition."""
    paths = {}
    for name, arn in read(MANAGED)["aws"].items():
        path, _, last = arn.partition(":policy/")[2].rpartition("/")
        if last != name:
            raise SystemExit(f"{arn} does not end in {name}")
        paths.setdefault(f"{path}/" if path else "", []).append(name)
    return {"paths": {path: sorted(names) for path, names in sorted(paths.items())}}


def print_dated(facts, path):
    """One line per entry, of a table or of a list in it, so that a change of the data reads as a change of lines."""
    print("{")
    print(f'  "source": "aws-sam-translator {importlib.metadata.version("aws-sam-translator")}",')
    print(f'  "date": "{datetime.date.fromtimestamp(path.stat().st_mtime).isoformat()}",')
    tables = []
    for table, entries in facts.items():
        lines = ",\n".join(f"    {json.dumps(key)}: {written(value)}" for key, value in entries.items())
        tables.append(f"  {json.dumps(table)}: {{\n{lines}\n  }}")
    print(",\n".join(tables))
    print("}")


def written(value):
    if not isinstance(value, list):
        return json.dumps(value)
    return "[\n" + ",\n".join(f"      {json.dumps(part)}" for part in value) + "\n    ]"


WHAT = {
    "policy-templates": (policy_templates, TEMPLATES),
    "connector-profiles": (connector_profiles, PROFILES),
    "managed-policy-names": (managed_policy_names, MANAGED),
}

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in WHAT:
        raise SystemExit(f"usage: sam.py {'|'.join(WHAT)}")
    make, source = WHAT[sys.argv[1]]
    print_dated(make(), source)
