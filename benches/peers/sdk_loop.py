"""Lists one region with the official SDK, sets a gauge for each tag, and makes one compressed scrape of them ready,
as the server of prometheus_client does.

Prints resources per second.

python sdk_loop.py HOST:PORT REGION
"""

import gzip
import sys
import time

from alibabacloud_hbase20190101 import models
from alibabacloud_hbase20190101.client import Client
from alibabacloud_tea_openapi.models import Config
from prometheus_client import Gauge, generate_latest

IDS = 50


def main(endpoint, region):
    config = Config(access_key_id="testid", access_key_secret="testsecret", endpoint=endpoint, protocol="HTTP")
    client = Client(config)
    clock = time.perf_counter()
    ids = []
    number = 1
    while True:
        request = models.DescribeInstancesRequest(region_id=region, page_number=number, page_size=100)
        body = client.describe_instances(request).body
        ids += [instance.instance_id for instance in body.instances.instance]
        if len(ids) >= body.total_count:
            break
        number += 1
    tag = Gauge("resource_tag", "1 for each tag", ["region_id", "resource_id", "key", "value"])
    for start in range(0, len(ids), IDS):
        token = None
        while True:
            request = models.ListTagResourcesRequest(
                region_id=region,
                resource_id=ids[start : start + IDS],
                next_token=token,
            )
            body = client.list_tag_resources(request).body
            for row in body.tag_resources.tag_resource:
                tag.labels(region, row.resource_id, row.tag_key, row.tag_value).set(1)
            token = body.next_token
            if not token:
                break
    gzip.compress(generate_latest())
    print(len(ids) / (time.perf_counter() - clock))


if __name__ == "__main__":
    main(*sys.argv[1:])
