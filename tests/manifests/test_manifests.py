"""The manifests and the chart: valid for Kubernetes and the Prometheus operator, restricted, and true to themselves."""

import json
import os
import subprocess
import tempfile
import tomllib
import unittest
from pathlib import Path

import kubernetes_validate
import yaml

from renders import CHART, KUBERNETES, ROOT, SHARDS, TOOLS, everything, helm, run

VERSIONS = ["1.32", "1.37"]
CUSTOM = "monitoring.coreos.com/v1"
RENDERED = everything()


def each(*kinds):
    """All documents of these kinds, with the name of the way they were rendered."""
    for way, documents in RENDERED.items():
        for document in documents:
            if document["kind"] in kinds:
                yield way, document


def pods():
    for way, workload in each("Deployment", "StatefulSet"):
        yield way, workload["spec"]["template"]["spec"]


def shipped_groups():
    files = ["tags.yml", "exporter.yml"]
    folder = ROOT / "deploy/prometheus/rules"
    return [group for file in files for group in yaml.safe_load((folder / file).read_text())["groups"]]


class Manifests(unittest.TestCase):
    maxDiff = None

    def test_every_document_is_valid_for_kubernetes(self):
        for way, documents in RENDERED.items():
            for document in documents:
                if document["apiVersion"] != CUSTOM:
                    for version in VERSIONS:
                        with self.subTest(way=way, kind=document["kind"], version=version):
                            kubernetes_validate.validate(document, version, strict=True)

    def test_custom_resources_are_valid_for_the_operator(self):
        documents = [document for _, document in each("ServiceMonitor", "PrometheusRule")]
        self.assertGreater(len(documents), 2)
        judge = subprocess.run(
            ["node", ROOT / "tests/manifests/operator.mjs", TOOLS / "node_modules/@kubernetes-models/prometheus-operator"],
            input=json.dumps(documents),
            text=True,
            capture_output=True,
            timeout=60,
        )
        self.assertEqual(judge.returncode, 0, judge.stderr)

    def test_every_rule_that_prometheus_is_tested_with_reaches_the_operator_and_no_other(self):
        for way, rule in each("PrometheusRule"):
            with self.subTest(way=way):
                self.assertEqual(rule["spec"]["groups"], shipped_groups())

    def test_the_links_of_the_alerts_can_be_given_a_base(self):
        base = "https://git.example.com/main/"
        flags = ["--values", CHART / "values-secret.yaml", "--set", "prometheusRule.enabled=true"]
        text = helm(*flags, "--set", f"prometheusRule.runbookBase={base}").stdout
        self.assertIn(f"runbook_url: {base}docs/runbooks.md#tagremoved", text)

    def test_pods_keep_to_the_restricted_level(self):
        for way, pod in pods():
            with self.subTest(way=way):
                security = pod["securityContext"]
                self.assertTrue(security["runAsNonRoot"])
                self.assertGreater(security["runAsUser"], 0)
                self.assertEqual(security["seccompProfile"], {"type": "RuntimeDefault"})
                self.assertFalse({"hostNetwork", "hostPID", "hostIPC"} & pod.keys())
                for container in pod["containers"]:
                    of_container = container["securityContext"]
                    self.assertFalse(of_container["allowPrivilegeEscalation"])
                    self.assertTrue(of_container["readOnlyRootFilesystem"])
                    self.assertEqual(of_container["capabilities"], {"drop": ["ALL"]})
                allowed = {"configMap", "projected", "persistentVolumeClaim"}
                for volume in pod["volumes"]:
                    self.assertLessEqual(volume.keys() - {"name"}, allowed)

    def test_no_pod_gets_a_token_for_the_api_of_kubernetes(self):
        for way, pod in pods():
            with self.subTest(way=way):
                self.assertFalse(pod["automountServiceAccountToken"])
                sources = [s for volume in pod["volumes"] for s in volume.get("projected", {}).get("sources", [])]
                audiences = {source["serviceAccountToken"]["audience"] for source in sources}
                self.assertLessEqual(audiences, {"sts.aliyuncs.com"})
        for way, account in each("ServiceAccount"):
            with self.subTest(way=way):
                self.assertFalse(account["automountServiceAccountToken"])

    def test_every_container_has_probes_requests_and_a_limit_on_memory_alone(self):
        for way, pod in pods():
            with self.subTest(way=way):
                (container,) = pod["containers"]
                self.assertEqual(container["livenessProbe"]["httpGet"]["path"], "/healthz")
                self.assertEqual(container["readinessProbe"]["httpGet"]["path"], "/readyz")
                self.assertEqual(container["resources"]["requests"].keys(), {"cpu", "memory"})
                self.assertEqual(container["resources"]["limits"].keys(), {"memory"})

    def test_the_number_of_replicas_is_the_number_of_shards(self):
        found = 0
        for way, workload in each("StatefulSet"):
            with self.subTest(way=way):
                environment = {e["name"]: e for e in workload["spec"]["template"]["spec"]["containers"][0]["env"]}
                total = environment["TAG_EXPORTER__SHARD__TOTAL"]["value"]
                self.assertEqual(total, str(workload["spec"]["replicas"]))
                ordinal = environment["TAG_EXPORTER__SHARD__ORDINAL"]["valueFrom"]
                self.assertEqual(ordinal, {"fieldRef": {"fieldPath": "metadata.name"}})
                found += 1
        self.assertGreaterEqual(found, 2)
        for way, workload in each("Deployment"):
            with self.subTest(way=way):
                self.assertEqual(workload["spec"]["replicas"], 1)

    def test_a_disruption_budget_is_there_with_shards_only_and_never_blocks_a_drain(self):
        for way, documents in RENDERED.items():
            kinds = {document["kind"]: document for document in documents}
            with self.subTest(way=way):
                self.assertEqual("PodDisruptionBudget" in kinds, "StatefulSet" in kinds)
                if "PodDisruptionBudget" in kinds:
                    self.assertEqual(kinds["PodDisruptionBudget"]["spec"]["maxUnavailable"], 1)

    def test_two_pods_never_have_one_state_file(self):
        found = 0
        for way, workload in each("Deployment", "StatefulSet"):
            spec = workload["spec"]
            environment = {e["name"]: e for e in spec["template"]["spec"]["containers"][0].get("env", [])}
            if "TAG_EXPORTER__STATE__PATH" not in environment:
                continue
            found += 1
            with self.subTest(way=way):
                if workload["kind"] == "Deployment":
                    self.assertEqual(spec["strategy"], {"type": "Recreate"})
                else:
                    self.assertEqual(spec["volumeClaimTemplates"][0]["metadata"]["name"], "state")
        self.assertGreaterEqual(found, 4)

    def test_what_selects_pods_finds_them(self):
        for way, documents in RENDERED.items():
            kinds = {document["kind"]: document for document in documents}
            workload = kinds.get("Deployment") or kinds.get("StatefulSet")
            if not workload:
                continue
            labels = workload["spec"]["template"]["metadata"]["labels"].items()
            selectors = [
                workload["spec"]["selector"]["matchLabels"],
                kinds["Service"]["spec"]["selector"],
                kinds["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
            ]
            if "PodDisruptionBudget" in kinds:
                selectors.append(kinds["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"])
            with self.subTest(way=way):
                for selector in selectors:
                    self.assertTrue(selector)
                    self.assertLessEqual(selector.items(), labels)
                if "ServiceMonitor" in kinds:
                    selected = kinds["ServiceMonitor"]["spec"]["selector"]["matchLabels"].items()
                    self.assertLessEqual(selected, kinds["Service"]["metadata"]["labels"].items())

    def test_the_exporter_takes_every_configuration(self):
        checked = set()
        for way, document in each("ConfigMap"):
            text = document["data"]["config.toml"]
            if text in checked:
                continue
            checked.add(text)
            with self.subTest(way=way), tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
                file.write(text)
                file.flush()
                program = os.environ["TAG_EXPORTER_BINARY"]
                command = [program, "check-config", "--config.file", file.name]
                answer = subprocess.run(command, text=True, capture_output=True, timeout=60)
                self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertGreaterEqual(len(checked), 3)

    def test_a_changed_configuration_rolls_the_pods(self):
        values = ["--values", CHART / "values-secret.yaml"]
        templates = [helm(*values, "--set", f"config={text}", "--show-only", "templates/workload.yaml") for text in "ab"]
        self.assertNotEqual(templates[0].stdout, templates[1].stdout)

    def test_the_kustomize_rule_is_made_of_the_rule_files(self):
        made = subprocess.run([ROOT / "scripts/prometheus-rule"], check=True, capture_output=True, text=True).stdout
        self.assertEqual((KUBERNETES / "prometheus-operator/prometheusrule.yaml").read_text(), made)


    def test_there_is_one_version(self):
        cargo = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["version"]
        metadata = yaml.safe_load((CHART / "Chart.yaml").read_text())
        self.assertEqual((metadata["version"], metadata["appVersion"]), (cargo, cargo))
        self.assertIn(f'org.opencontainers.image.version="{cargo}"', (ROOT / "deploy/Dockerfile").read_text())
        images = {pod["containers"][0]["image"] for _, pod in pods()}
        self.assertEqual(images, {f"alicloud-tag-exporter:{cargo}"})

    def test_the_chart_passes_the_linter_of_helm(self):
        run("helm", "lint", "--strict", CHART, "--values", CHART / "values-secret.yaml")


class Dashboard(unittest.TestCase):
    FILE = ROOT / "deploy/grafana/alicloud-tag-exporter.json"

    def judged(self, text):
        """What the compiler says of a dashboard by the types of Grafana's own schema."""
        with tempfile.TemporaryDirectory(dir=TOOLS) as folder:
            file = Path(folder) / "dashboard.ts"
            file.write_text((ROOT / "tests/manifests/dashboard.ts").read_text() + text)
            options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "esnext", "--moduleResolution", "bundler"]
            compiler = TOOLS / "node_modules/.bin/tsc"
            return subprocess.run([compiler, *options, file], text=True, capture_output=True, timeout=60).stdout

    def test_it_is_valid_by_the_schema_of_grafana(self):
        self.assertEqual(self.judged(self.FILE.read_text()), "")

    def test_a_wrong_one_would_not_be(self):
        wrong = self.FILE.read_text().replace('"collapsed": false', '"collapsed": "no"')
        self.assertIn("Type 'string' is not assignable to type 'boolean'", self.judged(wrong))

    def test_no_data_source_is_written_into_it(self):
        dashboard = json.loads(self.FILE.read_text())
        used = {panel["datasource"]["uid"] for panel in dashboard["panels"] if panel["type"] != "row"}
        self.assertEqual(used, {"${datasource}"})
        self.assertNotIn("id", dashboard)


class Refusals(unittest.TestCase):
    def refused(self, *arguments):
        answer = helm(*arguments, check=False)
        self.assertNotEqual(answer.returncode, 0)
        return answer.stderr

    def test_a_value_of_a_wrong_type_is_told_with_its_path(self):
        for setting, path in [
            ("shards=two", "at '/shards': got string, want integer"),
            ("shards=0", "at '/shards'"),
            ("config=5", "at '/config': got number, want string"),
            ("state.enabled=3", "at '/state/enabled': got number, want boolean"),
            ("resources.limits.memory=lots", "at '/resources/limits/memory'"),
            ("serviceMonitor.interval=often", "at '/serviceMonitor/interval'"),
            ("credentials.from=guess", "at '/credentials/from'"),
            ("replicas=2", "additional properties 'replicas' not allowed"),
        ]:
            with self.subTest(setting=setting):
                self.assertIn(path, self.refused("--values", CHART / "values-secret.yaml", "--set", setting))

    def test_a_way_to_sign_in_without_its_values_is_told(self):
        self.assertIn("credentials.secret: give accessKeyId", self.refused())
        self.assertIn("at '/credentials/rrsa/roleArn'", self.refused("--set", "credentials.from=rrsa"))


if __name__ == "__main__":
    unittest.main()
