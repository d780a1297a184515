//! The configuration as typed. Every key has its default here; nothing is checked yet.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::cloud::api::Signature;
use crate::cloud::api::endpoint::{Network, Site};
use crate::cloud::discovery::TagSource;

/// A table of the file.
pub(super) trait Section {
    const KEYS: &'static [&'static str];
}

macro_rules! section {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ty = $default:expr,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(in crate::config) struct $name { $(pub $field: $kind,)* }

        impl Section for $name {
            const KEYS: &'static [&'static str] = &[$(stringify!($field)),*];
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }
    };
}

pub(super) mod credentials;
mod values;

pub(super) use credentials::Credentials;
pub(super) use values::{Globs, OneOf, Ordinal, Span, TagLabel};

section! {
    /// The whole file.
    ConfigFile {
        web: Web = Web::default(),
        collect: Collect = Collect::default(),
        api: Api = Api::default(),
        accounts: Vec<Account> = Vec::new(),
        metrics: Metrics = Metrics::default(),
        catalog: Catalog = Catalog::default(),
        policy: Policy = Policy::default(),
        state: State = State::default(),
        shard: Shard = Shard::default(),
        log: Log = Log::default(),
    }
}

/// The tables whose keys can come from the environment, with the keys.
pub(super) const SECTIONS: [(&str, &[&str]); 9] = [
    ("web", Web::KEYS),
    ("collect", Collect::KEYS),
    ("api", Api::KEYS),
    ("catalog", Catalog::KEYS),
    ("metrics", Metrics::KEYS),
    ("policy", Policy::KEYS),
    ("state", State::KEYS),
    ("shard", Shard::KEYS),
    ("log", Log::KEYS),
];

section! {
    Web {
        listen_address: String = "0.0.0.0:10042".to_owned(),
        allowed_hosts: Vec<String> = Vec::new(),
        config_file: PathBuf = PathBuf::new(),
        max_connections: usize = 512,
        health_without_auth: bool = true,
        enable_lifecycle: bool = false,
    }
}

section! {
    Collect {
        interval: Span = Span(Duration::from_secs(300)),
        deadline: Option<Span> = None,
        max_staleness: Span = Span(Duration::from_secs(86_400)),
        concurrency: usize = 8,
    }
}

section! {
    Api {
        endpoint: String = String::new(),
        network: OneOf<Network> = OneOf(Network::Public),
        signature: OneOf<Signature> = OneOf(Signature::HmacSha1),
        requests_per_second: f64 = 0.0,
        request_timeout: Span = Span(Duration::from_secs(10)),
        max_attempts: usize = 5,
    }
}

section! {
    Catalog {
        path: PathBuf = PathBuf::new(),
    }
}

section! {
    Account {
        name: String = String::new(),
        regions: Vec<String> = Vec::new(),
        products: Vec<String> = vec!["hbase".to_owned()],
        tag_source: OneOf<TagSource> = OneOf(TagSource::Auto),
        site: OneOf<Site> = OneOf(Site::China),
        interval: Option<Span> = None,
        credentials: Credentials = Credentials::default(),
    }
}

section! {
    Metrics {
        resource_tag: bool = true,
        include_keys: Vec<String> = vec!["*".to_owned()],
        exclude_keys: Vec<String> = vec!["acs:*".to_owned(), "aliyun*".to_owned()],
        tag_labels: Vec<TagLabel> = Vec::new(),
        max_series: usize = 2_000_000,
    }
}

section! {
    Policy {
        grace_period: Span = Span(Duration::from_secs(3600)),
        rollup_tags: Vec<String> = Vec::new(),
        required_tags: Vec<RequiredTag> = Vec::new(),
        forbidden_tags: Vec<ForbiddenTag> = Vec::new(),
        max_tags: Option<MaxTags> = None,
        exemptions: Vec<Exemption> = Vec::new(),
    }
}

section! {
    RequiredTag {
        key: String = String::new(),
        label: String = String::new(),
        aliases: Vec<String> = Vec::new(),
        values: Vec<String> = Vec::new(),
        pattern: String = String::new(),
        applies_to: AppliesTo = AppliesTo::default(),
    }
}

section! {
    AppliesTo {
        accounts: Option<Globs> = None,
        regions: Option<Globs> = None,
        products: Option<Globs> = None,
        resource_groups: Option<Globs> = None,
        name: Option<Globs> = None,
        status: Option<Globs> = None,
    }
}

section! {
    ForbiddenTag {
        key: String = String::new(),
        value: String = "*".to_owned(),
    }
}

section! {
    MaxTags {
        limit: usize = 20,
    }
}

section! {
    Exemption {
        resource_id: Option<Globs> = None,
        account: Option<Globs> = None,
        region: Option<Globs> = None,
        product: Option<Globs> = None,
        tag: String = String::new(),
        keys: Vec<String> = Vec::new(),
        reason: String = String::new(),
        until: String = String::new(),
    }
}

section! {
    State {
        path: String = String::new(),
        history_retention: Span = Span(Duration::from_secs(90 * 86_400)),
    }
}

section! {
    Shard {
        ordinal: Ordinal = Ordinal(0),
        total: u64 = 1,
    }
}

section! {
    Log {
        level: String = "info".to_owned(),
        format: String = "text".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys of a table of the example, its comments included, beside those of the type.
    fn assert_whole(table: &toml::Value, keys: &[&str], name: &str) {
        let mut keys: Vec<_> = keys.iter().map(|key| (*key).to_owned()).collect();
        keys.sort();
        let mut found: Vec<_> = table.as_table().unwrap().keys().cloned().collect();
        found.sort();
        assert_eq!(found, keys, "[{name}]");
    }

    #[test]
    fn the_example_names_every_key() {
        let text = include_str!("../../config.example.toml");
        let is_toml = |line: &&str| {
            line.starts_with('[') || line.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '))
        };
        let line = |line| format!("{}\n", str::strip_prefix(line, "# ").filter(is_toml).unwrap_or(line));
        let example: toml::Value = toml::from_str(&text.lines().map(line).collect::<String>()).unwrap();
        assert_whole(&example, ConfigFile::KEYS, "the whole");
        for (name, keys) in SECTIONS {
            assert_whole(&example[name], keys, name);
        }
        assert_whole(&example["accounts"][0], Account::KEYS, "accounts");
        let policy = &example["policy"];
        assert_whole(&policy["required_tags"][0], RequiredTag::KEYS, "policy.required_tags");
        assert_whole(&policy["forbidden_tags"][0], ForbiddenTag::KEYS, "policy.forbidden_tags");
        assert_whole(&policy["max_tags"], MaxTags::KEYS, "policy.max_tags");
        for key in AppliesTo::KEYS.iter().chain(Exemption::KEYS).chain(Credentials::KEYS) {
            assert!(text.contains(key), "{key} is not in config.example.toml");
        }
    }
}
