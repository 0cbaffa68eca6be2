"""Writes the life of each function runtime to standard output.

Usage: runtimes.py > crates/rules/data/runtimes.txt

Needs the package `cfn-lint`, which follows the platform's published runtime calendar.
"""

import datetime
import importlib.metadata
import json
import pathlib

import cfnlint


def table():
    path = pathlib.Path(cfnlint.__file__).parent / "data" / "AdditionalSpecs" / "LmbdRuntimeLifecycle.json"
    with open(path, encoding="utf-8") as file:
        return json.load(file), path.stat().st_mtime


def main():
    runtimes, stamp = table()
    print(f"# Function runtimes of AWS Lambda and the ends of their lives: {len(runtimes)} runtimes.")
    print(f"# source: cfn-lint {importlib.metadata.version('cfn-lint')}")
    print(f"# date: {datetime.date.fromtimestamp(stamp).isoformat()}")
    print("# runtime, last day of support, creation blocked from, update blocked from, successor; - where there is none.")
    for name in sorted(runtimes):
        life = runtimes[name]
        keys = ("deprecated", "create-block", "update-block", "successor")
        print(" ".join([name] + [life.get(key) or "-" for key in keys]))


if __name__ == "__main__":
    main()
