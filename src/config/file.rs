//! The configuration as typed. Every key has its default here; nothing is checked yet.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use crate::cloud::api::Signature;
use crate::cloud::api::endpoint::{Network, Site};
use crate::cloud::discovery::TagSource;

macro_rules! section {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ty = $default:expr,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(super) struct $name { $(pub $field: $kind,)* }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }
    };
}

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

section! {
    Web {
        listen_address: String = "0.0.0.0:10042".to_owned(),
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
        network: Network = Network::Public,
        signature: Signature = Signature::HmacSha1,
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
        tag_source: TagSource = TagSource::Auto,
        site: Site = Site::China,
        interval: Option<Span> = None,
        credentials: Credentials = Credentials::default(),
    }
}

section! {
    /// Each source has some of these keys.
    Credentials {
        source: String = "default".to_owned(),
        access_key_id: Option<String> = None,
        access_key_secret: Option<SecretString> = None,
        access_key_secret_file: Option<String> = None,
        security_token: Option<SecretString> = None,
        file: Option<String> = None,
        name: Option<String> = None,
        role_name: Option<String> = None,
        metadata_endpoint: Option<String> = None,
        role_arn: Option<String> = None,
        role_session_name: Option<String> = None,
        duration: Option<Span> = None,
        policy: Option<String> = None,
        external_id: Option<SecretString> = None,
        oidc_provider_arn: Option<String> = None,
        oidc_token_file: Option<String> = None,
        sts_region: Option<String> = None,
        uri: Option<SecretString> = None,
        base: Option<Box<Credentials>> = None,
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
        total: u32 = 1,
    }
}

section! {
    Log {
        level: String = "info".to_owned(),
        format: String = "text".to_owned(),
    }
}

/// One glob, or a list of them.
#[derive(Debug)]
pub(super) struct Globs(Vec<String>);

impl Globs {
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Globs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            One(String),
            Many(Vec<String>),
        }
        let written = Written::deserialize(deserializer);
        Ok(Self(match written.map_err(|_| serde::de::Error::custom("is no glob, and no list of globs"))? {
            Written::One(glob) => vec![glob],
            Written::Many(globs) => globs,
        }))
    }
}

/// `"owner"` or `{ key = "成本中心", label = "cost_center" }`.
#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(super) enum TagLabel {
    Key(String),
    Labelled { key: String, label: String },
}

/// A duration: `90s`, `5m`, `1h`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span(pub Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parsed = humantime::parse_duration(&text);
        parsed.map(Self).map_err(|_| serde::de::Error::custom("is no duration such as 90s, 5m or 1h"))
    }
}

/// A number, or the name of a pod that ends in one: `exporter-2`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ordinal(pub u32);

impl<'de> Deserialize<'de> for Ordinal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = match text.rsplit_once('-') {
            Some((name, number)) if !name.is_empty() => number,
            _ => &text,
        };
        let wrong = "is neither a number nor the name of a pod that ends in one, such as exporter-2";
        number.parse().map(Self).map_err(|_| serde::de::Error::custom(wrong))
    }
}
