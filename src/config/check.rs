//! What the types do not say: values that are out of range, unknown, or contradict each other.

use std::ops::RangeInclusive;

use hyper::http::uri::Authority;

use super::checker::Checker;
use super::file::{self, ConfigFile};
use super::*;
use crate::cloud::api::endpoint::Endpoints;
use crate::form::KeyProblem;

mod accounts;
mod catalog;
mod credentials;
mod labels;
mod policy;

/// More than an exporter of a few thousand targets has use for, and than the system gives sockets to most processes.
const MAX_CONNECTIONS: usize = 1_000_000;
/// Of one target. Less would not list anything in time, more no API allows.
const RATES: RangeInclusive<f64> = 0.01..=10_000.0;
const MAX_SHARDS: u32 = 1024;
const MAX_HOSTS: usize = 100;
const MAX_CONCURRENCY: usize = 1024;
const MAX_ATTEMPTS: usize = 100;
const MAX_SERIES: usize = 100_000_000;
/// Labels of one metric, and keys that resources are counted by.
const MAX_LABELS: usize = 100;
const MAX_INTERVAL: Duration = Duration::from_secs(30 * 86_400);
const MAX_TIMEOUT: Duration = Duration::from_secs(600);
/// Of times that are compared with those of resources and changes.
const MAX_SPAN: Duration = Duration::from_secs(36_500 * 86_400);
const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// The checked configuration; `None`, or a configuration of no use, when `problems` has grown.
pub(super) fn check(file: ConfigFile, sources: &Sources, problems: &mut Vec<Problem>) -> Option<Config> {
    let mut checker = Checker { sources, problems };
    let listen = listen(&mut checker, file.web);
    let collect = collect(&mut checker, &file.collect);
    let api = api(&mut checker, file.api);
    let catalog = catalog::catalog(&mut checker, &file.catalog, api.endpoint.is_some());
    let accounts = accounts::accounts(&mut checker, file.accounts, &collect, &api, &catalog);
    let system_keys = Arc::new(checker.globs("metrics.exclude_keys", &file.metrics.exclude_keys));
    let (tag_labels, rollup_labels) = labels::labels(&mut checker, &file.metrics, &file.policy, &system_keys);
    checker.at_most("metrics.tag_labels", &file.metrics.tag_labels, MAX_LABELS);
    checker.at_most("policy.rollup_tags", &file.policy.rollup_tags, MAX_LABELS);
    let sensible = file.metrics.max_series <= MAX_SERIES;
    checker.unless(sensible, "metrics.max_series", "must be at most 100000000");
    let options = Options {
        tag_labels,
        rollup_labels,
        resource_tag: file.metrics.resource_tag,
        include_keys: checker.globs("metrics.include_keys", &file.metrics.include_keys),
        max_series: file.metrics.max_series,
    };
    let exclude_keys = file.metrics.exclude_keys;
    let rules = policy::rules(&mut checker, file.policy, &system_keys, &catalog);
    let state = state(&mut checker, file.state);
    let shard = shard(&mut checker, &file.shard);
    let log = log(&mut checker, file.log);
    Some(Config {
        listen: listen?,
        collect,
        api,
        catalog,
        accounts,
        options,
        system_keys,
        exclude_keys,
        rules,
        state,
        shard,
        log,
    })
}

fn listen(checker: &mut Checker<'_>, file: file::Web) -> Option<Listen> {
    let address = file.listen_address.parse::<SocketAddr>();
    if address.is_err() {
        let text =
            format!("{:?} is not a valid listen address (example: 0.0.0.0:10042)", file.listen_address);
        checker.wrong("web.listen_address", text);
    }
    let sensible = (1..=MAX_CONNECTIONS).contains(&file.max_connections);
    checker.unless(sensible, "web.max_connections", &format!("must be 1 to {MAX_CONNECTIONS}"));
    let path = Some(file.config_file).filter(|path| !path.as_os_str().is_empty());
    let web = path.and_then(|path| match access::load(&path) {
        Ok(web) => Some((path, Arc::new(web))),
        Err(problems) => {
            let origin = Some(path.display().to_string());
            let here = |KeyProblem { path, text }| Problem { origin: origin.clone(), path, text };
            checker.problems.extend(problems.into_iter().map(here));
            None
        }
    });
    let (health_without_auth, enable_lifecycle) = (file.health_without_auth, file.enable_lifecycle);
    let (max_connections, allowed_hosts) = (file.max_connections, file.allowed_hosts);
    checker.at_most("web.allowed_hosts", &allowed_hosts, MAX_HOSTS);
    for (index, host) in allowed_hosts.iter().enumerate() {
        let is_host = host.parse::<Authority>().is_ok_and(|host| !host.as_str().contains('@'));
        let text = "is not a valid host name (example: tags.example.com)";
        checker.unless(is_host, &format!("web.allowed_hosts[{index}]"), text);
    }
    let address = address.ok()?;
    Some(Listen { address, allowed_hosts, max_connections, web, health_without_auth, enable_lifecycle })
}

fn collect(checker: &mut Checker<'_>, file: &file::Collect) -> Collect {
    let interval = file.interval.0;
    let deadline = file.deadline.map_or(interval, |deadline| deadline.0);
    checker.unless(interval >= Duration::from_secs(1), "collect.interval", "must be at least 1s");
    checker.unless(!deadline.is_zero(), "collect.deadline", "must be greater than 0");
    if deadline > interval {
        let (deadline, interval) =
            (humantime::format_duration(deadline), humantime::format_duration(interval));
        checker.wrong("collect.deadline", format!("{deadline} is longer than collect.interval ({interval})"));
    }
    checker.unless(
        (1..=MAX_CONCURRENCY).contains(&file.concurrency),
        "collect.concurrency",
        "must be 1 to 1024",
    );
    checker.short_enough("collect.interval", interval, MAX_INTERVAL);
    checker.short_enough("collect.max_staleness", file.max_staleness.0, MAX_SPAN);
    Collect { interval, deadline, max_staleness: file.max_staleness.0, concurrency: file.concurrency }
}

fn api(checker: &mut Checker<'_>, file: file::Api) -> Api {
    let rate = file.requests_per_second;
    let sensible = rate == 0.0 || RATES.contains(&rate);
    let text = format!("must be 0, or {} to {}", RATES.start(), RATES.end());
    checker.unless(sensible, "api.requests_per_second", &text);
    checker.unless((1..=MAX_ATTEMPTS).contains(&file.max_attempts), "api.max_attempts", "must be 1 to 100");
    checker.unless(!file.request_timeout.0.is_zero(), "api.request_timeout", "must be greater than 0");
    checker.short_enough("api.request_timeout", file.request_timeout.0, MAX_TIMEOUT);
    let template = Some(file.endpoint).filter(|text| !text.is_empty());
    if let Some(template) = &template
        && let Err(error) = endpoint(&Endpoints::default(), Some(template), file.network.0, ANY_PLACE)
    {
        checker.wrong("api.endpoint", error.to_string());
    }
    Api {
        endpoint: template,
        network: file.network.0,
        signature: file.signature.0,
        requests_per_second: (rate > 0.0).then_some(rate),
        request_timeout: file.request_timeout.0,
        max_attempts: file.max_attempts,
    }
}

/// To fill a template with.
const ANY_PLACE: Place<'_> = Place { api: "ecs", region: "cn-hangzhou", site: Site::China, told_host: None };

fn state(checker: &mut Checker<'_>, file: file::State) -> Option<State> {
    let retention = file.history_retention.0;
    checker.unless(!retention.is_zero(), "state.history_retention", "must be greater than 0");
    checker.short_enough("state.history_retention", retention, MAX_SPAN);
    (!file.path.is_empty()).then(|| State { path: file.path.into(), retention })
}

fn shard(checker: &mut Checker<'_>, file: &file::Shard) -> Shard {
    let total = u32::try_from(file.total).unwrap_or(u32::MAX);
    let ordinal = file.ordinal.0;
    checker.unless((1..=MAX_SHARDS).contains(&total), "shard.total", &format!("must be 1 to {MAX_SHARDS}"));
    if ordinal >= total.max(1) {
        checker.wrong("shard.ordinal", format!("must be less than shard.total ({total}), not {ordinal}"));
    }
    Shard { ordinal, total }
}

fn log(checker: &mut Checker<'_>, file: file::Log) -> Log {
    checker.one_of("log.level", &file.level, &LEVELS.map(|level| (level, ())));
    let json = checker.one_of("log.format", &file.format, &[("text", false), ("json", true)]);
    Log { level: file.level, json: json.unwrap_or_default() }
}
