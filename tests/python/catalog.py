"""The catalog's product files, as dictionaries: {name: (product, api)}."""

import tomllib
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "src/cloud/catalog"


def products():
    apis = {path.stem: read(path) for path in FOLDER.glob("api/*.toml")}
    files = [read(path) for path in sorted(FOLDER.glob("products/*.toml"))]
    return {product["name"]: (product, apis[product["api"]]) for product in files}


def read(path):
    return tomllib.loads(path.read_text(encoding="utf-8"))


def package(api):
    """The official SDK of an API: its name holds the code and the version."""
    return f"alibabacloud_{api['code'].replace('-', '_')}{api['version'].replace('-', '')}"
