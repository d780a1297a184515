"""The scenario with the new SDK: alibabacloud_hbase20190101 on alibabacloud_tea_openapi, told to sign as version 1.0."""

import re

from alibabacloud_hbase20190101 import models
from alibabacloud_hbase20190101.client import Client
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.runtime import RuntimeOptions

import scenario

# The fields of the new models, where they are not just the documented names in snake case.
FIELDS = {"ResourceIds": "resource_id", "Tags": "tag"}


def connect(port):
    def ask(key, action, parameters):
        request = new_request(action, parameters)
        call = getattr(client(key, port), f"{snake_case(action)}_with_options")
        try:
            return call(request, RuntimeOptions(autoretry=False)).body.to_map()
        except AlibabaCloudException as error:
            raise scenario.Refused(error.code) from error

    return ask


def client(key, port):
    return Client(
        Config(
            access_key_id=key["id"],
            access_key_secret=key["secret"],
            security_token=key["token"],
            endpoint=f"127.0.0.1:{port}",
            protocol="HTTP",
            region_id=scenario.REGION,
            # "v2" is what the SDK calls the request mechanism whose SignatureVersion is 1.0.
            signature_algorithm="v2",
        )
    )


def new_request(action, parameters):
    fields = {FIELDS.get(name, snake_case(name)): value for name, value in parameters.items()}
    if fields.get("tag"):
        tag = getattr(models, f"{action}RequestTag")
        fields["tag"] = [tag(key=given["Key"], value=given.get("Value")) for given in fields["tag"]]
    return getattr(models, f"{action}Request")(**fields)


def snake_case(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


if __name__ == "__main__":
    scenario.run(connect)
