//! The policy by examples: `tests/cases/policy/*.toml`, which say by hand what comes of each.

use std::collections::BTreeMap;
use std::path::Path;

use alicloud_tag_exporter::config::{Sources, load};
use alicloud_tag_exporter::inventory::{Resource, Tags, Target};
use alicloud_tag_exporter::policy::{Rules, Verdict, Violation, judge};
use jiff::Timestamp;
use serde::Deserialize;

/// In all files.
const CASES: usize = 92;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    policy: String,
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default = "account")]
    account: String,
    #[serde(default = "region")]
    region: String,
    #[serde(default = "id")]
    id: String,
    #[serde(default)]
    name_of_resource: String,
    #[serde(default)]
    group: String,
    #[serde(default = "status")]
    status: String,
    #[serde(default = "created")]
    created: String,
    #[serde(default = "at")]
    at: String,
    tags: BTreeMap<String, String>,
    expect: String,
    next: Option<String>,
}

fn account() -> String {
    "prod".to_owned()
}

fn region() -> String {
    "cn-hangzhou".to_owned()
}

fn id() -> String {
    "hb-1".to_owned()
}

fn status() -> String {
    "ACTIVATION".to_owned()
}

fn created() -> String {
    "2026-01-01T00:00:00Z".to_owned()
}

fn at() -> String {
    "2026-11-24T12:00:00Z".to_owned()
}

/// A policy as a user writes it.
fn rules(path: &Path, policy: &str) -> Rules {
    let account = "[[accounts]]\nname = \"prod\"\nregions = [\"cn-hangzhou\"]\n";
    let file = Some((path.display().to_string(), format!("{policy}\n{account}")));
    load(&Sources { file, ..Sources::default() }).unwrap_or_else(|problems| panic!("{problems}")).rules
}

impl Case {
    fn judged(&self, rules: &Rules) -> (String, Option<String>) {
        let target = Target::new(&self.account, &self.region, "hbase");
        let tags: Tags =
            self.tags.iter().map(|(key, value)| (key.as_str().into(), value.as_str().into())).collect();
        let resource = Resource {
            id: self.id.as_str().into(),
            name: self.name_of_resource.as_str().into(),
            resource_group_id: self.group.as_str().into(),
            status: self.status.as_str().into(),
            created_at: self.created.parse().ok(),
            tags,
            system_tags: Tags::default(),
            unread: None,
        };
        let judgement = judge(&target, &[resource], rules, self.at.parse().unwrap());
        (told(&judgement.verdicts[0]), judgement.next_change.as_ref().map(Timestamp::to_string))
    }
}

fn told(verdict: &Verdict) -> String {
    let until = verdict.pending_until.map(|end| format!(" until {end}")).unwrap_or_default();
    let violations: Vec<_> = verdict.violations.iter().map(told_violation).collect();
    let colon = if violations.is_empty() { "" } else { ": " };
    format!("{}{until}{colon}{}", verdict.state.name(), violations.join("; "))
}

fn told_violation(violation: &Violation) -> String {
    let hint = violation.hint.as_ref().map(|hint| format!(", {hint}")).unwrap_or_default();
    let exemption = violation.exemption.as_ref().map(|exemption| {
        let until = exemption.until.map(|day| format!("until {day}"));
        let reason = Some(exemption.reason.to_string()).filter(|reason| !reason.is_empty());
        let parts: Vec<_> = reason.into_iter().chain(until).collect();
        format!(" ({})", parts.join(", "))
    });
    format!("{} {}{hint}{}", violation.key, violation.reason.name(), exemption.unwrap_or_default())
}

#[test]
fn each_policy_case_comes_to_what_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/policy");
    let (mut cases, mut wrong) = (0, Vec::new());
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let all: Cases = toml::from_str(&std::fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let rules = rules(&path, &all.policy);
        for case in &all.case {
            cases += 1;
            let (told, next) = case.judged(&rules);
            if told != case.expect || next != case.next {
                let (file, name, expect) = (path.display(), &case.name, &case.expect);
                let next_expected = &case.next;
                wrong.push(format!(
                    "{file}: {name}\n  {told} {next:?}\n  {expect} {next_expected:?} is right"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(cases, CASES, "a case was added or deleted");
}

#[test]
fn every_mistake_in_a_policy_is_reported_with_its_key_path() {
    let mistakes = r#"
        [policy]
        rollup_tags = ["a-b", "a_b", "", "a-b", "acs:x", "负责人"]
        [[policy.required_tags]]
        key = ""
        [[policy.required_tags]]
        key = "owner"
        pattern = "a(b"
        [[policy.required_tags]]
        key = "owner"
        values = ["x"]
        [[policy.required_tags]]
        key = "env"
        aliases = ["Env", "owner", "Env", "env"]
        values = ["prod", "", "prod", "1"]
        pattern = "[a-z]*"
        applies_to = { accounts = ["a["], regions = 5, colour = "x" }
        [[policy.required_tags]]
        key = "team"
        aliases = ["Env"]
        applies_to = { accounts = "prod", regions = ["cn-*", "ap-*"] }
        [[policy.required_tags]]
        key = "team"
        label = "team-2"
        applies_to = { accounts = "prod", regions = "cn-*", name = "x" }
        [[policy.required_tags]]
        key = "acs:x"
        aliases = ["aliyun-x"]
        [[policy.required_tags]]
        key = "zone"
        pattern = "a)|(b"
        applies_to = { regions = [], name = "", status = "[甲乙]*" }
        [[policy.required_tags]]
        key = "zone"
        applies_to = { regions = "cn-*" }
        [[policy.required_tags]]
        key = "zone"
        applies_to = { regions = ["cn-hangzhou", "cn-b*"], status = "RUNNING" }
        [[policy.forbidden_tags]]
        key = ""
        [[policy.forbidden_tags]]
        key = "temp["
        [policy.max_tags]
        limit = 0
        [[policy.exemptions]]
        reason = "all"
        [[policy.exemptions]]
        keys = ["nobody"]
        until = "2027-02-30"
        [[policy.exemptions]]
        resource_id = "hb["
        until = "tomorrow"
        [[policy.exemptions]]
        account = ""
        tag = "=x"
        [[policy.exemptions]]
        region = []
        tag = "acs:x=y"
        [[accounts]]
        name = "prod"
        regions = ["cn-hangzhou"]"#;
    let file = Some(("policy.toml".to_owned(), mistakes.to_owned()));
    let report = load(&Sources { file, ..Sources::default() }).unwrap_err().to_string();
    for expected in [
        "policy.rollup_tags[1]: \"a-b\" and \"a_b\" both become the label tag_a_b",
        "policy.rollup_tags[2]: the tag key is empty",
        "policy.rollup_tags[3]: is a duplicate",
        "policy.rollup_tags[4]: is excluded by metrics.exclude_keys",
        "policy.rollup_tags[5]: the key \"负责人\" has no ASCII letter or digit: set a label in metrics.tag_labels",
        "policy.required_tags[0].key: must not be empty",
        "policy.required_tags[1].pattern: is not a valid regular expression: unclosed group, at character 2",
        "policy.required_tags[2]: is unreachable: policy.required_tags[1] has the same key",
        "policy.required_tags[3].aliases[1]: \"owner\" is also a spelling of \"owner\"",
        "policy.required_tags[3].aliases[2]: is a duplicate spelling in this rule",
        "policy.required_tags[3].aliases[3]: is a duplicate spelling in this rule",
        "policy.required_tags[3].values[1]: must not be empty",
        "policy.required_tags[3].values[2]: is a duplicate",
        "policy.required_tags[3].values[3]: is never allowed: it does not match the pattern",
        "policy.required_tags[3].applies_to.accounts[0]: ",
        "policy.required_tags[3].applies_to.regions: must be a glob or a list of globs, not 5",
        "policy.required_tags[3].applies_to.colour: unknown key",
        "policy.required_tags[4].aliases[0]: \"Env\" is also a spelling of \"env\"",
        "policy.required_tags[5]: is unreachable: policy.required_tags[4] has the same key",
        "policy.required_tags[5]: a label may contain only A-Z a-z 0-9 _",
        "policy.required_tags[6].key: is excluded by metrics.exclude_keys",
        "policy.required_tags[6].aliases[0]: is excluded by metrics.exclude_keys",
        "policy.required_tags[7].pattern: is not a valid regular expression: unopened group, at character 2",
        "policy.required_tags[7].applies_to.regions: is empty: remove it",
        "policy.required_tags[7].applies_to.status[0]: contains non-ASCII characters in […]",
        "policy.required_tags[9]: is unreachable: policy.required_tags[8] has the same key",
        "policy.forbidden_tags[0].key: must not be empty",
        "policy.forbidden_tags[1].key: ",
        "policy.max_tags.limit: must be 1 to 1000",
        "policy.exemptions[0]: exempts everything",
        "policy.exemptions[1].keys[0]: is not the key of any rule",
        "policy.exemptions[1].until: is not a valid date (example: 2027-01-31)",
        "policy.exemptions[2].resource_id[0]: ",
        "policy.exemptions[2].until: is not a valid date (example: 2027-01-31)",
        "policy.exemptions[3].account: contains an empty glob",
        "policy.exemptions[3].tag: has no key before the =",
        "policy.exemptions[4].region: is empty: remove it",
        "policy.exemptions[4].tag: is excluded by metrics.exclude_keys",
    ] {
        assert!(report.contains(&format!("policy.toml: {expected}")), "{expected} is not in:\n{report}");
    }
}

fn example() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config.example.toml")).unwrap()
}

#[test]
fn the_example_configuration_consists_of_the_defaults_but_for_the_account() {
    let account = "[[accounts]]\nname = \"prod\"\nregions = [\"cn-hangzhou\", \"cn-shanghai\"]";
    let [example, defaults] = [example(), account.to_owned()].map(|text| {
        let file = Some(("config.toml".to_owned(), text));
        format!("{:#?}", load(&Sources { file, ..Sources::default() }).unwrap())
    });
    let differences: Vec<_> =
        example.lines().zip(defaults.lines()).filter(|(one, other)| one != other).collect();
    assert_eq!(differences, []);
    assert_eq!(example.lines().count(), defaults.lines().count());
}

#[test]
fn the_example_configuration_is_a_right_one() {
    let text = example();
    // With the keys that are commented out, too.
    let whole: String = text.lines().map(|line| format!("{}\n", uncommented(line))).collect();
    for text in [text, whole] {
        let file = Some(("config.example.toml".to_owned(), text));
        load(&Sources { file, ..Sources::default() }).unwrap();
    }
}

/// A line without the mark of a comment, where it is a key or the head of a table.
fn uncommented(line: &str) -> &str {
    let is_key = |text: &str| text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let is_toml = |text: &&str| {
        text.starts_with('[') || text.split_once(" = ").is_some_and(|(key, _)| is_key(key.trim_end()))
    };
    line.strip_prefix("# ").filter(is_toml).unwrap_or(line)
}

#[test]
fn a_rollup_tag_has_the_label_of_its_rule_or_that_of_the_wide_metric() {
    let text = r#"
        [metrics]
        tag_labels = [{ key = "负责人", label = "owner_zh" }]
        [policy]
        rollup_tags = ["负责人", "cost-center"]
        [[policy.required_tags]]
        key = "cost-center"
        label = "cost"
        [[accounts]]
        name = "prod"
        regions = ["cn-hangzhou"]"#;
    let file = Some(("policy.toml".to_owned(), text.to_owned()));
    let options = load(&Sources { file, ..Sources::default() }).unwrap().options;
    let names: Vec<_> = options.rollup_labels.iter().map(|label| label.name.as_str()).collect();
    assert_eq!(names, ["tag_cost", "tag_owner_zh"]);
}
