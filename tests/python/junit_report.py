"""Reads JUnit XML from stdin: checks its shape, and prints what junitparser makes of it.

The shape is that of junit-10.xsd of Jenkins' xUnit plugin, as far as a report can use it: for each element the
attributes that it must have, those that it may have, and the elements that it may hold.
"""

import json
import sys
import xml.etree.ElementTree as ElementTree

from junitparser import JUnitXml

BAD = (set(), {"type", "message"}, set())
SHAPE = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors"},
        {"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"},
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    "testcase": (
        {"name"},
        {"time", "classname", "group"},
        {"skipped", "error", "failure", "system-out", "system-err"},
    ),
    "failure": BAD,
    "error": BAD,
    "skipped": BAD,
}


def check(element):
    needed, allowed, children = SHAPE[element.tag]
    given = set(element.attrib)
    if not needed <= given <= needed | allowed:
        sys.exit(f"{element.tag} has the attributes {sorted(given)}")
    for child in element:
        if child.tag not in children:
            sys.exit(f"{element.tag} holds {child.tag}")
        check(child)


def told(suite):
    return {
        "name": suite.name,
        "counts": [suite.tests, suite.failures, suite.errors, suite.skipped],
        "cases": [
            [case.classname, case.name, [[type(bad).__name__, bad.type, bad.message] for bad in case.result]]
            for case in suite
        ],
    }


def main():
    text = sys.stdin.buffer.read()
    root = ElementTree.fromstring(text)
    if root.tag != "testsuites":
        sys.exit(f"the root is {root.tag}")
    check(root)
    report = JUnitXml.fromstring(text)
    print(json.dumps([told(suite) for suite in report]))


main()
