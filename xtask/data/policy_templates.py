"""Writes the SAM policy templates to standard output: name, parameters in order, statements.

Usage: policy_templates.py > crates/template/data/policy-templates.json

Needs the package `aws-sam-translator`, which carries them. Descriptions are left out: nothing reads them.
"""

import datetime
import importlib.metadata
import json
import pathlib

import samtranslator


def table():
    folder = pathlib.Path(samtranslator.__file__).parent / "policy_templates_data"
    path = folder / "policy_templates.json"
    with open(path, encoding="utf-8") as file:
        return json.load(file)["Templates"], path.stat().st_mtime


def statements(template):
    statement = template["Definition"]["Statement"]
    return statement if isinstance(statement, list) else [statement]


def main():
    templates, stamp = table()
    print("{")
    print(f'  "source": "aws-sam-translator {importlib.metadata.version("aws-sam-translator")}",')
    print(f'  "date": "{datetime.date.fromtimestamp(stamp).isoformat()}",')
    print('  "templates": {')
    lines = []
    for name in sorted(templates):
        template = templates[name]
        entry = {"parameters": list(template["Parameters"]), "statements": statements(template)}
        lines.append(f"    {json.dumps(name)}: {json.dumps(entry, sort_keys=True)}")
    print(",\n".join(lines))
    print("  }")
    print("}")


if __name__ == "__main__":
    main()
