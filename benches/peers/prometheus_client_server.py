"""Serves the samples of a text file by prometheus_client.

python prometheus_client_server.py FILE PORT
"""

import sys
import threading

from prometheus_client import CollectorRegistry, Gauge, start_http_server
from prometheus_client.parser import text_fd_to_metric_families


def main(path, port):
    registry = CollectorRegistry()
    with open(path, encoding="utf-8") as text:
        for family in text_fd_to_metric_families(text):
            if not family.samples:
                continue
            names = list(family.samples[0].labels)
            gauge = Gauge(family.name, family.documentation, names, registry=registry)
            for sample in family.samples:
                gauge.labels(**sample.labels).set(sample.value)
    start_http_server(int(port), addr="127.0.0.1", registry=registry)
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
