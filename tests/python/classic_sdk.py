"""The scenario with the classic SDK: aliyun-python-sdk-hbase on aliyun-python-sdk-core."""

import importlib
import json
import logging

from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.auth.credentials import AccessKeyCredential, StsTokenCredential
from aliyunsdkcore.client import AcsClient

import scenario


def connect(port):
    # It prints every refusal otherwise, and the scenario provokes some.
    logging.getLogger("aliyunsdkcore").setLevel(logging.CRITICAL)

    def ask(key, action, parameters):
        parameters = dict(parameters)
        client = AcsClient(region_id=parameters.pop("RegionId", scenario.REGION), credential=credential(key))
        request = new_request(action, parameters)
        request.set_endpoint(f"127.0.0.1:{port}")
        request.set_protocol_type("http")
        try:
            return json.loads(client.do_action_with_exception(request))
        except ServerException as error:
            raise scenario.Refused(error.get_error_code()) from error

    return ask


def credential(key):
    if key["token"] is None:
        return AccessKeyCredential(key["id"], key["secret"])
    return StsTokenCredential(key["id"], key["secret"], key["token"])


def new_request(action, parameters):
    module = importlib.import_module(f"aliyunsdkhbase.request.v20190101.{action}Request")
    request = getattr(module, f"{action}Request")()
    for name, value in parameters.items():
        if value is not None:
            getattr(request, f"set_{name}")(value)
    return request


if __name__ == "__main__":
    scenario.run(connect)
