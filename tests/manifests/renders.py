"""Every way in which the manifests and the chart are meant to be rendered, by the real kustomize and helm."""

import itertools
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(os.environ["TAG_EXPORTER_MANIFEST_TOOLS"])
KUBERNETES = ROOT / "deploy/kubernetes"
CHART = ROOT / "deploy/helm/alicloud-tag-exporter"
SIGN_IN = ["secret", "rrsa", "node-role"]
SHARDS = 3


def run(program, *arguments, check=True):
    command = [TOOLS / "bin" / program, *map(str, arguments)]
    return subprocess.run(command, check=check, capture_output=True, text=True, timeout=60)


def kustomize(folder):
    return documents(run("kustomize", "build", folder).stdout)


def with_component(overlay, component):
    """An overlay as a user would make it: one of ours and a component."""
    with tempfile.TemporaryDirectory(dir=KUBERNETES) as folder:
        content = {"resources": [f"../overlays/{overlay}"], "components": [f"../components/{component}"]}
        (Path(folder) / "kustomization.yaml").write_text(yaml.safe_dump(content))
        return kustomize(folder)


def helm(*arguments, check=True):
    return run("helm", "template", "tags", CHART, "--namespace", "tags", *arguments, check=check)


def chart(sign_in, *settings):
    flags = [f"--set={setting}" for setting in settings]
    return documents(helm("--values", CHART / f"values-{sign_in}.yaml", *flags).stdout)


def documents(text):
    return [document for document in yaml.safe_load_all(text) if document]


def everything():
    """By name, the documents of each way."""
    rendered = {
        "kustomize single": kustomize(KUBERNETES / "overlays/single"),
        "kustomize sharded": kustomize(KUBERNETES / "overlays/sharded"),
        "kustomize single with state": with_component("single", "state"),
        "kustomize sharded with state": with_component("sharded", "sharded-state"),
        "kustomize prometheus-operator": kustomize(KUBERNETES / "prometheus-operator"),
    }
    operator = ["serviceMonitor.enabled=true", "prometheusRule.enabled=true"]
    for sign_in, shards, state in itertools.product(SIGN_IN, [1, SHARDS], ["false", "true"]):
        settings = [f"shards={shards}", f"state.enabled={state}", *operator]
        rendered[f"helm {sign_in}, {shards} shards, state {state}"] = chart(sign_in, *settings)
    own_secret = ["credentials.secret.existing=", "credentials.secret.accessKeyId=a", "credentials.secret.accessKeySecret=b"]
    rendered["helm with a Secret of its own"] = chart("secret", *own_secret)
    return rendered


def write(folder):
    for way, rendered in everything().items():
        name = way.replace(",", "").replace(" ", "-")
        (folder / f"{name}.yaml").write_text(yaml.safe_dump_all(rendered))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
