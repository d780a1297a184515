//! What the types do not say: values that are out of range, unknown, or contradict each other.

use super::file::{self, ConfigFile};
use super::*;

mod labels;
mod policy;

/// Collects problems under key paths.
struct Checker<'a> {
    sources: &'a Sources,
    problems: &'a mut Vec<Problem>,
}

impl Checker<'_> {
    fn wrong(&mut self, path: impl Into<String>, text: impl Into<String>) {
        let path = path.into();
        let origin = self.sources.origin(&path);
        self.problems.push(Problem { origin, path, text: text.into() });
    }

    fn unless(&mut self, right: bool, path: &str, text: &str) {
        if !right {
            self.wrong(path, text);
        }
    }

    fn globs(&mut self, path: &str, patterns: &[String]) -> GlobSet {
        let mut set = GlobSetBuilder::new();
        for (index, pattern) in patterns.iter().enumerate() {
            match Glob::new(pattern) {
                Ok(glob) => _ = set.add(glob),
                Err(error) => self.wrong(format!("{path}[{index}]"), error.kind().to_string()),
            }
        }
        set.build().unwrap_or_else(|error| {
            self.wrong(path, error.kind().to_string());
            GlobSet::empty()
        })
    }
}

impl Checker<'_> {
    /// What `check` makes of each of `files`, which stand in a list at `path`.
    fn each<F, T>(
        &mut self,
        path: &str,
        files: Vec<F>,
        mut check: impl FnMut(&mut Self, &str, F) -> T,
    ) -> Vec<T> {
        let checked = files.into_iter().enumerate();
        checked.map(|(index, file)| check(self, &format!("{path}[{index}]"), file)).collect()
    }

    /// A single glob, whose key path is that of the value.
    fn globs_at(&mut self, path: &str, pattern: &str) -> GlobSet {
        match Glob::new(pattern).and_then(|glob| GlobSetBuilder::new().add(glob).build()) {
            Ok(globs) => globs,
            Err(error) => {
                self.wrong(path, error.kind().to_string());
                GlobSet::empty()
            }
        }
    }
}

/// The checked configuration; `None`, or a configuration of no use, when `problems` has grown.
pub(super) fn check(file: ConfigFile, sources: &Sources, problems: &mut Vec<Problem>) -> Option<Config> {
    let mut checker = Checker { sources, problems };
    let listen = listen(&mut checker, file.web);
    let collect = collect(&mut checker, &file.collect);
    let api = api(&mut checker, file.api);
    let accounts = accounts(&mut checker, file.accounts);
    let system_keys = Arc::new(checker.globs("metrics.exclude_keys", &file.metrics.exclude_keys));
    let (tag_labels, rollup_labels) = labels::labels(&mut checker, &file.metrics, &file.policy);
    let options = Options {
        tag_labels,
        rollup_labels,
        resource_tag: file.metrics.resource_tag,
        include_keys: checker.globs("metrics.include_keys", &file.metrics.include_keys),
        max_series: file.metrics.max_series,
    };
    let rules = policy::rules(&mut checker, file.policy, &system_keys);
    let state = state(&mut checker, file.state);
    let shard = shard(&mut checker, &file.shard);
    let log = log(&mut checker, file.log);
    Some(Config { listen: listen?, collect, api, accounts, options, system_keys, rules, state, shard, log })
}

fn listen(checker: &mut Checker<'_>, file: file::Web) -> Option<Listen> {
    let address = file.listen_address.parse::<SocketAddr>();
    if address.is_err() {
        checker.wrong("web.listen_address", "is no address and port such as 0.0.0.0:10042");
    }
    checker.unless(file.max_connections > 0, "web.max_connections", "must be above 0");
    let path = Some(file.config_file).filter(|path| !path.as_os_str().is_empty());
    let web = path.and_then(|path| match web::load(&path) {
        Ok(web) => Some((path, web)),
        Err(problems) => {
            let origin = Some(path.display().to_string());
            let here = |web::Problem { path, text }| Problem { origin: origin.clone(), path, text };
            checker.problems.extend(problems.into_iter().map(here));
            None
        }
    });
    let (max_connections, health_without_auth) = (file.max_connections, file.health_without_auth);
    Some(Listen { address: address.ok()?, max_connections, web, health_without_auth })
}

fn collect(checker: &mut Checker<'_>, file: &file::Collect) -> Collect {
    let interval = file.interval.0;
    let deadline = file.deadline.map_or(interval, |deadline| deadline.0);
    checker.unless(interval >= Duration::from_secs(1), "collect.interval", "must be at least 1s");
    checker.unless(!deadline.is_zero(), "collect.deadline", "must be above 0");
    if deadline > interval {
        let (deadline, interval) =
            (humantime::format_duration(deadline), humantime::format_duration(interval));
        checker.wrong("collect.deadline", format!("{deadline} is longer than collect.interval ({interval})"));
    }
    checker.unless((1..=1024).contains(&file.concurrency), "collect.concurrency", "must be 1 to 1024");
    Collect { interval, deadline, max_staleness: file.max_staleness.0, concurrency: file.concurrency }
}

fn api(checker: &mut Checker<'_>, file: file::Api) -> Api {
    let rate = file.requests_per_second;
    let sensible = rate == 0.0 || rate >= 0.01;
    checker.unless(sensible, "api.requests_per_second", "must be 0 or at least 0.01");
    checker.unless((1..=100).contains(&file.max_attempts), "api.max_attempts", "must be 1 to 100");
    checker.unless(!file.request_timeout.0.is_zero(), "api.request_timeout", "must be above 0");
    let template = Some(file.endpoint).filter(|text| !text.is_empty());
    let hbase = products().values().next();
    if let (Some(template), Some(product)) = (&template, hbase)
        && let Err(error) =
            endpoint(&product.endpoints, Some(template), file.network, &product.name, "cn-hangzhou")
    {
        checker.wrong("api.endpoint", error.to_string());
    }
    Api {
        endpoint: template,
        network: file.network,
        requests_per_second: (rate > 0.0).then_some(rate),
        request_timeout: file.request_timeout.0,
        max_attempts: file.max_attempts,
    }
}

fn accounts(checker: &mut Checker<'_>, files: Vec<file::Account>) -> Vec<Account> {
    let mut names = Vec::<String>::new();
    let mut accounts = Vec::new();
    for (index, file) in files.into_iter().enumerate() {
        let path = format!("accounts[{index}]");
        checker.unless(!file.name.is_empty(), &format!("{path}.name"), "is empty");
        if names.contains(&file.name) {
            checker.wrong(format!("{path}.name"), format!("{:?} is the name of another account", file.name));
        }
        names.push(file.name.clone());
        accounts.push(account(checker, &path, file));
    }
    accounts
}

fn account(checker: &mut Checker<'_>, path: &str, file: file::Account) -> Account {
    let regions_path = format!("{path}.regions");
    checker.unless(!file.regions.is_empty(), &regions_path, "is empty");
    for (index, region) in file.regions.iter().enumerate() {
        let path = format!("{regions_path}[{index}]");
        let word = region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        checker.unless(word && !region.is_empty(), &path, "is no region id such as cn-hangzhou");
        checker.unless(region != "all", &path, "this version cannot find the regions itself yet");
        checker.unless(!file.regions[..index].contains(region), &path, "is there twice");
    }
    checker.unless(!file.products.is_empty(), &format!("{path}.products"), "is empty");
    let mut known = Vec::new();
    for (index, name) in file.products.iter().enumerate() {
        let path = format!("{path}.products[{index}]");
        checker.unless(!file.products[..index].contains(name), &path, "is there twice");
        match products().get(name) {
            Some(product) => known.push(product),
            None => {
                checker.wrong(path, format!("unknown product {name:?}, known are {:?}", products().keys()))
            }
        }
    }
    let credentials = Arc::new(credentials(checker, &format!("{path}.credentials"), file.credentials));
    let (name, regions, tag_source) = (file.name, file.regions, file.tag_source);
    Account { name, regions, products: known, tag_source, credentials }
}

fn credentials(checker: &mut Checker<'_>, path: &str, file: file::Credentials) -> Provider {
    let environment = Environment::read(|name| checker.sources.environment.get(name).cloned());
    match file.source.as_str() {
        "static" => {}
        "default" => return Provider::Environment(environment),
        _ => {
            let text = "must be \"default\" (the environment) or \"static\" in this version";
            checker.wrong(format!("{path}.source"), text);
            return Provider::Environment(environment);
        }
    }
    checker.unless(!file.access_key_id.is_empty(), &format!("{path}.access_key_id"), "is needed");
    let secret = file.access_key_secret.or_else(|| {
        let read = std::fs::read_to_string(&file.access_key_secret_file);
        read.ok().map(|text| text.trim_end_matches(['\r', '\n']).into())
    });
    if secret.is_none() {
        let text = "is needed, or access_key_secret_file with a file that can be read";
        checker.wrong(format!("{path}.access_key_secret"), text);
    }
    Provider::Static(AccessKey {
        id: file.access_key_id,
        secret: secret.unwrap_or_default(),
        security_token: file.security_token,
    })
}

fn state(checker: &mut Checker<'_>, file: file::State) -> Option<State> {
    let retention = file.history_retention.0;
    checker.unless(!retention.is_zero(), "state.history_retention", "must be above 0");
    (!file.path.is_empty()).then(|| State { path: file.path.into(), retention })
}

fn shard(checker: &mut Checker<'_>, file: &file::Shard) -> Shard {
    let Shard { ordinal, total } = Shard { ordinal: file.ordinal.0, total: file.total };
    checker.unless(total > 0, "shard.total", "must be above 0");
    if ordinal >= total.max(1) {
        checker.wrong("shard.ordinal", format!("{ordinal} is not below shard.total ({total})"));
    }
    Shard { ordinal, total }
}

fn log(checker: &mut Checker<'_>, file: file::Log) -> Log {
    let levels = ["error", "warn", "info", "debug", "trace"];
    checker.unless(levels.contains(&&*file.level), "log.level", "must be error, warn, info, debug or trace");
    checker.unless(["text", "json"].contains(&&*file.format), "log.format", "must be text or json");
    Log { level: file.level, json: file.format == "json" }
}
