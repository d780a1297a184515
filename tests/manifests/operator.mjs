// Reads a JSON list of custom resources from its input and has each judged by the models of the Prometheus operator,
// which lie in the folder that is its argument.
import { readFileSync } from "node:fs";

for (const document of JSON.parse(readFileSync(0, "utf8"))) {
  const [group, version] = document.apiVersion.split("/");
  const { [document.kind]: Model } = await import(`${process.argv[2]}/${group}/${version}/${document.kind}.js`);
  new Model(document).validate();
}
