"""scrape.py URL CODING: reads metrics as OpenMetrics, strictly, and prints each sample as JSON:
name, labels and the value as text.

A gzip body must be one member that Python's gzip and zlib read whole, with nothing behind it.
"""

import gzip
import json
import sys
import urllib.request
import zlib

from prometheus_client.openmetrics.parser import text_string_to_metric_families

OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def main(url, coding):
    text = read(url, coding).decode("utf-8", "strict")
    families = list(text_string_to_metric_families(text))
    for family in families:
        assert family.documentation and family.type != "unknown", family
        for sample in family.samples:
            assert sample.timestamp is None and sample.exemplar is None, sample
            print(json.dumps([sample.name, sample.labels, repr(sample.value)]))


def read(url, coding):
    request = urllib.request.Request(url, headers={"Accept": OPEN_METRICS, "Accept-Encoding": coding})
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.headers["Content-Type"] == OPEN_METRICS, answer.headers
        assert answer.headers.get("Content-Encoding", "identity") == coding, answer.headers
        body = answer.read()
    return one_member(body) if coding == "gzip" else body


def one_member(body):
    member = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    text = member.decompress(body)
    assert member.eof and not member.unused_data
    assert gzip.decompress(body) == text
    return text


main(*sys.argv[1:])
