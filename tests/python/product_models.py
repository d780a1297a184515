"""Checks that the official SDKs have every action, parameter and path of the catalog. Prints what they do not have."""

import catalog
import sdk_models
from sdk_models import Unknown

FIELDS = ("id", "name", "status", "resource_group_id", "created_at", "region")


def main():
    for name, (product, api) in catalog.products().items():
        package = catalog.package(api)
        for check in (resources, tags, ready):
            report(f"{name}: {check.__name__}", check, package, product)
        if "regions" in api:
            report(f"{name}: regions", regions, package, api["regions"])


def report(where, check, *arguments):
    try:
        check(*arguments)
    except Unknown as problem:
        print(f"{where}: {problem}")


def resources(package, product):
    listing = product["resources"]
    paging = listing["paging"]
    by_number = paging["style"] == "page-number"
    names = set(listing.get("parameters", {}))
    names.update(name for variant in listing.get("variants", []) for name in variant)
    names.update(listing.get("lookup", {}).get("parameters", {}))
    names.update(listing.get("permission_probe", {}).get("parameters", {}))
    if paging["style"] != "none":
        names.add(paging.get("size_parameter", "PageSize" if by_number else "MaxResults"))
        names.add(paging.get("number_parameter", "PageNumber") if by_number else "NextToken")
    answer = Answer(package, listing["action"], names)
    paths = [path for field in FIELDS for path in listing.get(field, [])]
    if "inline_tags" in listing:
        paths.append(listing["inline_tags"])
    paths.extend([listing["lookup"]["deleted"]] if "deleted" in listing.get("lookup", {}) else [])
    answer.has(*(f"{listing['items']}.{path}" for path in paths))
    answer.has(*([paging["total"]] if "total" in paging else []))
    answer.has(*(["NextToken"] if paging["style"] == "next-token" else []))
    if "inline_tags" in listing and listing.get("inline_tags_as") != "map":
        answer.has_pair(f"{listing['items']}.{listing['inline_tags']}")


def tags(package, product):
    if "tags" not in product:
        return
    listing = product["tags"]
    names = {*listing.get("parameters", {}), listing.get("id_parameter", "ResourceId") + ".1"}
    answer = Answer(package, listing["action"], names)
    answer.has(f"{listing['items']}.ResourceId")
    answer.has_pair(f"{listing['items']}.{listing['nested']}" if "nested" in listing else listing["items"])
    if "nested" not in listing:
        answer.has("NextToken")


def ready(package, product):
    if "ready" in product:
        status = product["ready"]
        Answer(package, status["action"], status.get("parameters", {})).has(*status["expect"])


def regions(package, listing):
    answer = Answer(package, listing["action"], listing.get("parameters", {}))
    answer.has(*(f"{listing['items']}.{listing[name]}" for name in ("id", "endpoint") if name in listing))


class Answer:
    """The answer of an action that takes these parameters."""

    def __init__(self, package, action, parameters):
        for name in parameters:
            sdk_models.parameter(package, action, name)
        self.owner = f"{action}ResponseBody"
        self.known = sdk_models.classes(package, action, "ResponseBody")

    def has(self, *paths):
        for path in paths:
            sdk_models.at(self.known, self.owner, path)

    def has_pair(self, path):
        """A key and a value, by one of their two spellings."""
        row = self.known[sdk_models.model_in(sdk_models.at(self.known, self.owner, path))]
        if not ({"TagKey", "TagValue"} <= set(row) or {"Key", "Value"} <= set(row)):
            raise Unknown(f"{path} has no key and value, only {', '.join(sorted(row))}")


if __name__ == "__main__":
    main()
