//! An exporter under everything at once, for as long as `SOAK_SECONDS` says: `make soak`. All traffic stays on loopback.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use reqwest::{Client, Method};
use simulator::{Cloud, Fault, FaultRule, synthetic};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

use crate::certificates::Certificates;
use crate::program::{self, Program};

/// Without the variable it is a short try.
const SHORT: Duration = Duration::from_secs(20);
/// For the last fault to be over everywhere.
const RECOVERY: Duration = Duration::from_secs(60);
/// Of `/healthz`, and in a short try, which shares its cores with other tests.
const MAX_HEALTH: Duration = Duration::from_millis(100);
const MAX_HEALTH_IN_SHORT: Duration = Duration::from_secs(5);
/// The memory of the last quarter may be this many times that of the second one.
const MAX_GROWTH: f64 = 1.2;
const REGIONS: usize = 8;
const WEB: &str = "tls_server_config: { cert_file: server.pem, key_file: server.key }";

/// What the loops need, and what they count.
struct Soak {
    address: String,
    client: Client,
    slowest_health: AtomicU64,
    scrapes: AtomicU64,
    guesses: AtomicU64,
    reloads: AtomicU64,
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes 20 seconds, or SOAK_SECONDS: run by make test and make soak"]
async fn nothing_stops_or_starves_it() {
    let seconds = std::env::var("SOAK_SECONDS").ok().map(|text| text.parse().unwrap());
    let length = seconds.map_or(SHORT, Duration::from_secs);
    let (cloud, address) = program::cloud(synthetic(REGIONS, 60, 4)).await;
    let certificates = Certificates::new();
    let hash = bcrypt::hash("secret", 8).unwrap();
    certificates.write("web.yml", &format!("{WEB}\nbasic_auth_users: {{ alice: {hash} }}"));
    let folder = certificates.folder.path();
    let mut program = Program::start(folder, &config(address, folder, REGIONS)).await;
    let soak = Arc::new(Soak {
        address: program.address.clone(),
        client: certificates.client().pool_max_idle_per_host(8).build().unwrap(),
        slowest_health: AtomicU64::new(0),
        scrapes: AtomicU64::new(0),
        guesses: AtomicU64::new(0),
        reloads: AtomicU64::new(0),
    });
    soak.until_fresh().await;

    // Known before anybody guesses.
    assert_eq!(soak.get("/metrics", "secret").await, Some(200));
    let mut loops = JoinSet::new();
    loops.spawn(Arc::clone(&soak).ask_for_health());
    loops.spawn(Arc::clone(&soak).scrape());
    loops.spawn(Arc::clone(&soak).guess());
    loops.spawn(Arc::clone(&soak).read_slowly());
    loops.spawn(Arc::clone(&soak).say_nothing());
    loops.spawn(Arc::clone(&soak).ask_for_much());
    loops.spawn(Arc::clone(&soak).reload(address, folder.to_owned()));
    let id = program.process.id().unwrap();
    let memory = under_faults(&cloud, &certificates, &mut loops, id, length).await;
    assert!(program.process.try_wait().unwrap().is_none(), "it has ended");
    loops.shutdown().await;
    cloud.edit(|state| state.faults.clear());
    soak.until_fresh().await;
    let (code, log) = program.stop().await;
    assert_eq!(code, Some(0));
    assert!(!log.contains("panicked"), "{log}");
    soak.report(length, &memory);
    let most = if seconds.is_some() { MAX_HEALTH } else { MAX_HEALTH_IN_SHORT };
    let slowest = Duration::from_micros(soak.slowest_health.load(Ordering::Relaxed));
    assert!(slowest < most, "/healthz took {slowest:?}");
    assert!(seconds.is_none() || growth(&memory) < MAX_GROWTH, "{memory:?}");
}

fn config(cloud: std::net::SocketAddr, folder: &Path, regions: usize) -> String {
    let all = synthetic(regions, 0, 0);
    let regions: Vec<_> = all.regions.keys().collect();
    format!(
        "collect = {{ interval = \"1s\", concurrency = 16 }}
         api = {{ endpoint = \"http://{cloud}\", requests_per_second = 1000.0, request_timeout = \"1s\" }}
         web = {{ enable_lifecycle = true, config_file = {:?} }}
         state = {{ path = {:?} }}
         [[policy.required_tags]]
         key = \"owner\"
         [[accounts]]
         name = \"test\"
         regions = {regions:?}",
        folder.join("web.yml"),
        folder.join("state.db"),
    )
}

/// Edits the cloud, and makes it and the certificates fail and change, until the end. Gives the memory of each second.
async fn under_faults(
    cloud: &Cloud,
    certificates: &Certificates,
    loops: &mut JoinSet<()>,
    id: u32,
    length: Duration,
) -> Vec<u64> {
    let (mut ticks, began, mut memory) = (interval(Duration::from_secs(1)), Instant::now(), Vec::new());
    while began.elapsed() < length {
        ticks.tick().await;
        if let Some(ended) = loops.try_join_next() {
            ended.unwrap();
            panic!("a loop ended before the soak");
        }
        cloud.edit(|state| {
            state.log.clear();
            state.faults = vec![FaultRule { times: Some(fastrand::u32(..20)), ..FaultRule::of(fault()) }];
            let clusters = state.regions.values_mut().flat_map(|region| region.of_mut("hbase").iter_mut());
            for cluster in clusters.filter(|_| fastrand::u8(..) < 8) {
                cluster.tags.insert("owner".to_owned(), fastrand::u8(..).to_string());
            }
        });
        if memory.len() % 10 == 9 {
            certificates.issue("server");
        }
        memory.push(resident(id));
    }
    memory
}

fn fault() -> Fault {
    let faults = [
        Fault::Throttle { retry_after_ms: Some(500) },
        Fault::Status(503),
        Fault::Abort,
        Fault::Truncate,
        Fault::CutJson,
        Fault::Slow(Duration::from_secs(2)),
        Fault::Html,
        Fault::Code { status: 400, code: format!("Code.{}", fastrand::u32(..)) },
    ];
    faults[fastrand::usize(..faults.len())].clone()
}

/// In KiB.
fn resident(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// The memory of the last quarter by that of the second one.
fn growth(memory: &[u64]) -> f64 {
    let quarter = memory.len() / 4;
    let mean = |part: &[u64]| part.iter().sum::<u64>() as f64 / part.len().max(1) as f64;
    mean(&memory[3 * quarter..]) / mean(&memory[quarter..2 * quarter])
}

impl Soak {
    /// The status of an answer, all of which is read; `None` where the connection failed, as it does while certificates
    /// change.
    async fn get(&self, path: &str, password: &str) -> Option<u16> {
        let request = self.client.request(Method::GET, format!("{}{path}", self.address));
        let answer = request.basic_auth("alice", Some(password)).send().await.ok()?;
        let status = answer.status().as_u16();
        answer.bytes().await.ok()?;
        Some(status)
    }

    async fn until_fresh(&self) {
        let fresh = async {
            let mut looks = interval(Duration::from_millis(100));
            loop {
                looks.tick().await;
                let request = self.client.get(format!("{}/tags?limit=1", self.address));
                let Ok(answer) = request.basic_auth("alice", Some("secret")).send().await else { continue };
                let text = answer.text().await.unwrap_or_default();
                if text.matches(r#""status":"fresh""#).count() >= REGIONS - 1 && !text.contains(r#":"stale""#)
                {
                    return;
                }
            }
        };
        timeout(RECOVERY, fresh).await.expect("a target stays stale");
    }

    async fn ask_for_health(self: Arc<Self>) {
        let mut ticks = interval(Duration::from_millis(100));
        loop {
            ticks.tick().await;
            let began = Instant::now();
            if self.get("/healthz", "").await.is_some_and(|status| status == 200) {
                let took = began.elapsed().as_micros() as u64;
                self.slowest_health.fetch_max(took, Ordering::Relaxed);
            } else {
                self.slowest_health.store(u64::MAX, Ordering::Relaxed);
            }
        }
    }

    async fn scrape(self: Arc<Self>) {
        let mut ticks = interval(Duration::from_millis(200));
        loop {
            ticks.tick().await;
            assert_eq!(self.get("/metrics", "secret").await, Some(200));
            self.scrapes.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn guess(self: Arc<Self>) {
        let mut guesses = JoinSet::new();
        loop {
            let soak = Arc::clone(&self);
            let wrong = fastrand::u64(..).to_string();
            guesses.spawn(async move { soak.get("/metrics", &wrong).await });
            if guesses.len() >= 16 {
                let status = guesses.join_next().await.unwrap().unwrap();
                assert!([401, 503].contains(&status.unwrap_or(401)), "{status:?}");
                self.guesses.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Holds answers that it does not read.
    async fn read_slowly(self: Arc<Self>) {
        let (mut ticks, mut held) = (interval(Duration::from_millis(500)), std::collections::VecDeque::new());
        loop {
            ticks.tick().await;
            let request = self.client.get(format!("{}/tags?limit=10000", self.address));
            held.extend(request.basic_auth("alice", Some("secret")).send().await.ok());
            if held.len() > 20 {
                held.pop_front();
            }
        }
    }

    /// Opens connections that never begin to talk.
    async fn say_nothing(self: Arc<Self>) {
        let (mut ticks, mut held) = (interval(Duration::from_millis(50)), std::collections::VecDeque::new());
        let address = self.address.trim_start_matches("https://").to_owned();
        loop {
            ticks.tick().await;
            held.extend(TcpStream::connect(&address).await.ok());
            if held.len() > 100 {
                held.pop_front();
            }
        }
    }

    async fn ask_for_much(self: Arc<Self>) {
        let missing = vec!["missing=x"; 20].join("&");
        let paths = [
            format!("/tags?limit=10000&{missing}"),
            "/tags/changes?limit=10000".to_owned(),
            "/tags/changes?key=owner&region_id=cn-hangzhou&limit=10000".to_owned(),
            format!("/tags?{missing}&{missing}"),
            "/tags?cursor=%00".to_owned(),
            "/%2e%2e/etc/passwd".to_owned(),
        ];
        let mut ticks = interval(Duration::from_millis(20));
        loop {
            ticks.tick().await;
            let path = &paths[fastrand::usize(..paths.len())];
            let status = self.get(path, "secret").await.unwrap_or(200);
            assert!([200, 400, 404, 503].contains(&status), "{path}: {status}");
        }
    }

    async fn reload(self: Arc<Self>, cloud: std::net::SocketAddr, folder: std::path::PathBuf) {
        let mut ticks = interval(Duration::from_secs(2));
        for regions in (REGIONS - 1..=REGIONS).cycle() {
            ticks.tick().await;
            std::fs::write(folder.join("config.toml"), config(cloud, &folder, regions)).unwrap();
            let request = self.client.post(format!("{}/-/reload", self.address));
            let answer = request.basic_auth("alice", Some("secret")).send().await;
            assert!(answer.is_ok_and(|answer| answer.status() == 200), "the configuration was not reloaded");
            self.reloads.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn report(&self, length: Duration, memory: &[u64]) {
        let number = |of: &AtomicU64| of.load(Ordering::Relaxed);
        let slowest = Duration::from_micros(number(&self.slowest_health));
        let (scrapes, guesses, reloads) =
            (number(&self.scrapes), number(&self.guesses), number(&self.reloads));
        let (most, growth) = (memory.iter().max().copied().unwrap_or_default() >> 10, growth(memory));
        println!(
            "{length:?}: {scrapes} scrapes, {guesses} wrong passwords, {reloads} reloads; slowest /healthz \
             {slowest:?}; at most {most} MiB resident, last quarter to second one {growth:.2}"
        );
    }
}
