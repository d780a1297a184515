"""What the models of an official SDK know: the fields of each class, by their names on the wire.

The source is read and not imported: some of the packages take seconds to import.
"""

import ast
import importlib.util
import re
from functools import cache
from pathlib import Path


# What annotations are made of beside models.
PLAIN = {"Any", "Dict", "List", "None", "Optional", "bool", "bytes", "dict", "float", "int", "list", "main_models", "str"}


class Unknown(Exception):
    """Something that the models do not have."""


@cache
def classes(package, action, suffix):
    """The class `<action><suffix>` and those it leads to, each as {name on the wire: annotation}."""
    known = Classes(package)
    known[f"{action}{suffix}"]
    return known


class Classes(dict):
    """Classes of a package, read when they are first asked for."""

    def __init__(self, package):
        self.package = package

    def __missing__(self, name):
        tree = ast.parse(source(self.package, name))
        self.update({node.name: fields(node) for node in tree.body if isinstance(node, ast.ClassDef)})
        if name not in self:
            raise Unknown(f"{self.package} has no {name}")
        return self[name]


def source(package, name):
    """New packages have a file for each class and those inside it; in old ones all classes stand in one."""
    folder = Path(importlib.util.find_spec(package).origin).parent
    for path in folder.glob("models/_*.py"):
        if path.stem.replace("_", "").lower() == name.lower():
            return path.read_text(encoding="utf-8")
    if not (folder / "models.py").exists():
        return ""
    whole = (folder / "models.py").read_text(encoding="utf-8")
    return "".join(part for part in re.split(r"(?m)^(?=class )", whole) if part.startswith(f"class {name}"))


def fields(node):
    """The wire name is what `to_map` writes an attribute as."""
    methods = {method.name: method for method in node.body if isinstance(method, ast.FunctionDef)}
    annotations = {argument.arg: ast.unparse(argument.annotation) for argument in methods["__init__"].args.args[1:]}
    found = {}
    for branch in ast.walk(methods["from_map"]):
        match branch:
            case ast.If(test=ast.Compare(left=ast.Call(args=[ast.Constant(value=wire)]))):
                found[wire] = annotations[attribute(branch)]
    return found


def attribute(branch):
    """The attribute that a branch of `from_map` fills."""
    for node in ast.walk(branch):
        match node:
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                return name
    raise Unknown("an attribute")


def field(known, owner, name):
    """The annotation of a field of the class `owner`."""
    if name not in known[owner]:
        raise Unknown(f"{owner} has no {name}, only {', '.join(sorted(known[owner]))}")
    return known[owner][name]


def model_in(annotation):
    """The class that an annotation ends in, or None for plain values."""
    names = re.findall(r"[A-Za-z_]\w*", annotation)
    models = [name for name in names if name not in PLAIN]
    return models[-1] if models else None


def at(known, owner, path):
    """The annotation at a path of names, from the class `owner`."""
    annotation = owner
    for name in path.split("."):
        owner = model_in(annotation)
        if owner is None:
            raise Unknown(f"{path}: {annotation} has no {name}")
        annotation = field(known, owner, name)
    return annotation


def parameter(package, action, name):
    """Checks that `X`, `X.1` or `X.1.Key` is a parameter of the action."""
    known = classes(package, action, "Request")
    names = [part for part in name.split(".") if not part.isdigit()]
    at(known, f"{action}Request", ".".join(names))
