"""What both official SDKs ask the simulated cloud. Each script brings its own way to ask."""

import json
import sys

REGION = "cn-hangzhou"
LONG_TERM = {"id": "testid", "secret": "testsecret", "token": None}
TEMPORARY = {"id": "STS.test", "secret": "testsecret2", "token": "CAIS+/= token&more"}


class Refused(Exception):
    """The cloud refused a request; `code` is what the SDK made of it."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


def run(connect):
    """`connect(port)` gives `ask(key, action, parameters)`, which gives the answer's JSON or raises Refused."""
    ask = connect(int(sys.argv[1]))
    clusters = instances(ask)
    result = {
        "regions": regions(ask, LONG_TERM),
        "clusters": clusters,
        "tag_resources": tag_resources(ask, {"ResourceIds": sorted(clusters)}),
        "tags": tags(ask),
        "by_key": sorted(tag_resources(ask, {"Tags": [{"Key": "负责人"}]})),
        "by_pair": sorted(instances(ask, [{"Key": "负责人", "Value": "张 三*~+/&=%"}])),
        "by_empty_value": sorted(tag_resources(ask, {"Tags": [{"Key": "empty", "Value": ""}]})),
        "with_token": regions(ask, TEMPORARY),
        "refusals": refusals(ask),
    }
    json.dump(result, sys.stdout)


def regions(ask, key):
    answer = ask(key, "DescribeRegions", {"AcceptLanguage": "en-US"})
    return {region["RegionId"]: region["LocalName"] for region in answer["Regions"]["Region"]}


def instances(ask, tags=None):
    """All pages, as id to tags."""
    found, page, total = {}, 1, None
    while total is None or (page - 1) * 3 < total:
        parameters = {"RegionId": REGION, "PageNumber": page, "PageSize": 3, "Tags": tags}
        answer = ask(LONG_TERM, "DescribeInstances", parameters)
        for instance in answer["Instances"]["Instance"]:
            found[instance["InstanceId"]] = {tag["Key"]: tag["Value"] for tag in instance["Tags"]["Tag"]}
        page, total = page + 1, answer["TotalCount"]
    return found


def tag_resources(ask, wanted):
    """All pages, as id to tags."""
    found, token = {}, None
    while True:
        answer = ask(LONG_TERM, "ListTagResources", {"RegionId": REGION, "NextToken": token, **wanted})
        for row in answer["TagResources"]["TagResource"]:
            found.setdefault(row["ResourceId"], {})[row["TagKey"]] = row["TagValue"]
        token = answer.get("NextToken")
        if not token:
            return found


def tags(ask):
    answer = ask(LONG_TERM, "ListTags", {"RegionId": REGION})
    return [[tag["TagKey"], tag["TagValue"]] for tag in answer["Tags"]["Tag"]]


def refusals(ask):
    """What the SDK says the matter is, for requests that must not work."""
    requests = {
        "unknown key": ({**LONG_TERM, "id": "nobody"}, "ListTags", {"RegionId": REGION}),
        "wrong secret": ({**LONG_TERM, "secret": "wrong"}, "ListTags", {"RegionId": REGION}),
        "no token": ({**TEMPORARY, "token": None}, "ListTags", {"RegionId": REGION}),
        "wrong token": ({**TEMPORARY, "token": "other"}, "ListTags", {"RegionId": REGION}),
        "nothing asked": (LONG_TERM, "ListTagResources", {"RegionId": REGION}),
        "unknown region": (LONG_TERM, "ListTags", {"RegionId": "moon"}),
        "page too large": (LONG_TERM, "DescribeInstances", {"RegionId": REGION, "PageSize": 101}),
    }
    return {name: refusal(ask, *request) for name, request in requests.items()}


def refusal(ask, key, action, parameters):
    try:
        ask(key, action, parameters)
    except Refused as refused:
        return refused.code
    return None
