"""Reads {"method", "params", "secret"} as JSON lines and prints the signature of each, as the official SDKs compute it."""

import json
import sys

from aliyunsdkcore.auth.algorithm import sha_hmac1
from aliyunsdkcore.auth.composer import rpc_signature_composer
from alibabacloud_tea_openapi.utils import Utils


def main():
    for line in sys.stdin:
        request = json.loads(line)
        params = {name: value for name, value in request["params"].items() if name != "Signature"}
        new = Utils.get_rpcsignature(params, request["method"], request["secret"])
        classic = classic_signature(params, request["method"], request["secret"])
        if new != classic:
            sys.exit(f"the SDKs disagree: {new} (new), {classic} (classic)")
        print(new)


def classic_signature(params, method, secret):
    string_to_sign = getattr(rpc_signature_composer, "__compose_string_to_sign")(method, params)
    return sha_hmac1.get_sign_string(string_to_sign, secret + "&")


if __name__ == "__main__":
    main()
