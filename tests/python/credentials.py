"""Reads a case as a line of JSON and prints which access key the official credentials package chooses, or why none.

A case has the whole environment, what `credentials.toml` says, and the port of its simulated cloud. The package asks
fixed hosts, so requests are led to that port on their last step: what it sends is what the cloud checks.
"""

import json
import os
import sys
import tomllib
from urllib.parse import urlsplit, urlunsplit

import requests
import Tea.core  # noqa: F401  imported once, before the forks: the package reads the environment when it is imported


def main():
    for line in sys.stdin:
        print(json.dumps(in_child(json.loads(line))), flush=True)


def in_child(case):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os.write(writer, json.dumps(chosen(case)).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return json.loads(text)


def chosen(case):
    os.environ.clear()
    os.environ.update(case["environment"], NO_PROXY="*")
    lead_to(case["port"])
    try:
        credentials = provider(tomllib.loads(case["credentials"])).get_credentials()
        return {"id": credentials.get_access_key_id(), "error": None}
    except Exception as error:
        return {"id": None, "error": f"{type(error).__name__}: {error}"[:300]}


def lead_to(port):
    send = requests.adapters.HTTPAdapter.send

    def send_there(adapter, request, **options):
        parts = urlsplit(request.url)
        request.url = urlunsplit(("http", f"127.0.0.1:{port}", parts.path, parts.query, ""))
        return send(adapter, request, **options)

    requests.adapters.HTTPAdapter.send = send_there


def provider(given):
    from alibabacloud_credentials import provider as official

    source = given.get("source", "default")
    if source == "default":
        return official.DefaultCredentialsProvider()
    if source == "static":
        return static(official, given)
    if source == "profile":
        names = {"profile_file": given.get("file"), "profile_name": given.get("name")}
        return official.CLIProfileCredentialsProvider(**names)
    if source == "ecs-ram-role":
        return official.EcsRamRoleCredentialsProvider(role_name=given.get("role_name"))
    if source == "uri":
        return official.URLCredentialsProvider(uri=given.get("uri"))
    role = {name: given.get(name) for name in ("role_arn", "role_session_name", "policy")}
    role["duration_seconds"] = seconds(given.get("duration", "1h"))
    if source == "oidc":
        names = {"oidc_provider_arn": given.get("oidc_provider_arn"), "oidc_token_file_path": given.get("oidc_token_file")}
        return official.OIDCRoleArnCredentialsProvider(**role, **names)
    base = provider(given.get("base", {}))
    return official.RamRoleArnCredentialsProvider(
        credentials_provider=base, external_id=given.get("external_id"), **role
    )


def static(official, given):
    secret = given.get("access_key_secret")
    if secret is None:
        with open(given["access_key_secret_file"]) as file:
            secret = file.read().strip()
    key = {"access_key_id": given["access_key_id"], "access_key_secret": secret}
    if "security_token" in given:
        return official.StaticSTSCredentialsProvider(security_token=given["security_token"], **key)
    return official.StaticAKCredentialsProvider(**key)


def seconds(text):
    return int(text[:-1]) * {"s": 1, "m": 60, "h": 3600}[text[-1]]


if __name__ == "__main__":
    main()
