"""Lists every product with the client of its official SDK. Prints {signature: {product: {id: tags}}}.

    product_clients.py PORT
"""

import importlib
import json
import sys

import catalog
from alibabacloud_tea_openapi.utils_models import Config

REGION = "cn-hangzhou"
# What the SDK calls the signature in the parameters, and the one in the headers.
SIGNATURES = {"hmac-sha1": "v2", "acs3-hmac-sha256": "ACS3-HMAC-SHA256"}


def main(port):
    found = {signature: {} for signature in SIGNATURES}
    for name, (product, api) in catalog.products().items():
        package = catalog.package(api)
        for signature, algorithm in SIGNATURES.items():
            sdk = Sdk(package, port, algorithm)
            found[signature][name] = listed(sdk, product)
    print(json.dumps(found))


def listed(sdk, product):
    """Ids with their tags: those in the rows, or else those of the tag listing; where there are both, they agree."""
    rows = [row for variant in product["resources"].get("variants", [{}]) for row in resources(sdk, product, variant)]
    ids = [first(row, product["resources"]["id"]) for row in rows]
    if len(ids) != len(set(ids)):
        raise SystemExit(f"{product['name']}: an id is listed twice")
    sources = []
    if "inline_tags" in product["resources"]:
        sources.append({id: pairs(at(row, product["resources"]["inline_tags"])) for id, row in zip(ids, rows)})
    if "tags" in product:
        sources.append(tags(sdk, product["tags"], ids))
    if any(source != sources[0] for source in sources):
        raise SystemExit(f"{product['name']}: the rows and the tag listing disagree")
    return sources[0]


def resources(sdk, product, variant):
    listing = product["resources"]
    paging = listing["paging"]
    by_number = paging["style"] == "page-number"
    asked = {**listing.get("parameters", {}), **variant}
    if paging["style"] != "none":
        asked[paging.get("size_parameter", "PageSize" if by_number else "MaxResults")] = size(paging)
    rows, page = [], 1
    while True:
        if by_number:
            asked[paging.get("number_parameter", "PageNumber")] = page
        answer = sdk.ask(listing["action"], asked)
        new = at(answer, listing["items"]) or []
        rows.extend(new)
        page += 1
        token = answer.get("NextToken")
        if paging["style"] == "none" or not (new if by_number else token):
            return rows
        if not by_number:
            asked["NextToken"] = token


def size(paging):
    """Small pages, so that there are several, where any size is taken."""
    usual = paging.get("page_size", paging.get("max_results"))
    return min(paging["allowed_sizes"]) if "allowed_sizes" in paging else min(usual, 20)


def tags(sdk, listing, ids):
    found = {id: {} for id in ids}
    for start in range(0, len(ids), listing["ids_per_request"]):
        asked = dict(listing.get("parameters", {}))
        batch = ids[start : start + listing["ids_per_request"]]
        asked.update({f"{listing.get('id_parameter', 'ResourceId')}.{n}": id for n, id in enumerate(batch, 1)})
        while True:
            answer = sdk.ask(listing["action"], asked)
            for row in at(answer, listing["items"]) or []:
                found[row["ResourceId"]].update(pairs(row[listing["nested"]] if "nested" in listing else [row]))
            token = answer.get("NextToken")
            if not token or token == listing.get("last_token"):
                break
            asked["NextToken"] = token
    return found


def pairs(rows):
    if isinstance(rows, dict):
        return rows
    return {row.get("TagKey", row.get("Key")): row.get("TagValue", row.get("Value")) for row in rows or []}


def at(value, path):
    for name in path.split("."):
        value = (value or {}).get(name)
    return value


def first(row, paths):
    return next(at(row, path) for path in paths if at(row, path))


class Sdk:
    def __init__(self, package, port, algorithm):
        self.module = importlib.import_module(f"{package}.client")
        self.models = importlib.import_module(f"{package}.models")
        self.client = self.module.Client(
            Config(
                access_key_id="testid",
                access_key_secret="testsecret",
                endpoint=f"127.0.0.1:{port}",
                protocol="HTTP",
                region_id=REGION,
                signature_algorithm=algorithm,
            )
        )

    def ask(self, action, parameters):
        request = getattr(self.models, f"{action}Request")().from_map(nested(parameters))
        wanted = f"{action}WithOptions".lower()
        method = next(name for name in dir(self.client) if name.replace("_", "").lower() == wanted)
        return getattr(self.client, method)(request, self.options()).body.to_map()

    def options(self):
        """Packages of two generations have options of two kinds."""
        if hasattr(self.module, "util_models"):
            return self.module.util_models.RuntimeOptions()
        return importlib.import_module("darabonba.runtime").RuntimeOptions(autoretry=False)


def nested(parameters):
    """`Filter.1.Value.1` as the lists and objects that the models take."""
    whole = {}
    for name, value in parameters.items():
        place, parts = whole, name.replace("{region}", REGION).split(".")
        for part in parts[:-1]:
            place = place.setdefault(part, {})
        place[parts[-1]] = value.replace("{region}", REGION) if isinstance(value, str) else value
    return with_lists(whole)


def with_lists(value):
    if not isinstance(value, dict):
        return value
    if value and all(key.isdigit() for key in value):
        return [with_lists(value[key]) for key in sorted(value, key=int)]
    return {key: with_lists(inner) for key, inner in value.items()}


if __name__ == "__main__":
    main(sys.argv[1])
