//! Who may read the answers, and how they are sent: the web configuration file of Prometheus' exporters,
//! <https://prometheus.io/docs/prometheus/latest/configuration/https/>.

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyper::header::HeaderMap;
use rustls::ServerConfig;

use crate::form::KeyProblem;

mod file;
mod tls;
mod users;
mod watch;

pub use users::{Admission, Users};
pub use watch::watch;

/// The file as used.
#[derive(Default)]
pub struct Web {
    /// `None` = plain HTTP.
    pub tls: Option<Arc<ServerConfig>>,
    /// Whether TLS asks for a certificate of the client and refuses those without.
    clients_are_known: bool,
    pub users: Users,
    /// Headers of every answer.
    pub headers: HeaderMap,
    /// The files that it was made of, and what was in them.
    sources: Vec<(PathBuf, Vec<u8>)>,
}

/// Of one file. Those of certificate authorities are the largest, with a few hundred KB.
const MAX_FILE: u64 = 1 << 20;

/// Reads the file at `path` and those that it names, or reports everything that is wrong with them.
pub fn load(path: &Path) -> Result<Web, Vec<KeyProblem>> {
    let mut reader = Reader { folder: path.parent().unwrap_or(Path::new("")), sources: Vec::new() };
    let name = path.file_name().map(PathBuf::from).unwrap_or_default();
    let text = reader.text(&name).map_err(|text| vec![KeyProblem::new("", text)])?;
    let (file, mut problems) = file::parse(&text);
    let (file, mut found) = (file.unwrap_or_default(), Vec::new());
    let tls = file.tls_server_config.and_then(|tls| tls::check(&tls, &mut reader, &mut found));
    let users = Users::check(file.basic_auth_users, &mut found);
    let headers = file.http_server_config.check(&mut found);
    // What is wrong of form was taken out, and is not missed.
    found.retain(|problem| problems.iter().all(|one| one.path != problem.path));
    problems.extend(found);
    if !problems.is_empty() {
        return Err(problems);
    }
    let (tls, clients_are_known) = tls.map_or((None, false), |(tls, are_known)| (Some(tls), are_known));
    Ok(Web { tls, clients_are_known, users, headers, sources: reader.sources })
}

impl fmt::Debug for Web {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Web").field("users", &self.users).finish_non_exhaustive()
    }
}

impl Web {
    /// Whether nobody but those who are known may read.
    pub fn is_closed(&self) -> bool {
        self.clients_are_known || !self.users.is_empty()
    }

    /// Whether a file that this was made of has changed, or cannot be read any more.
    fn is_outdated(&self) -> bool {
        self.sources.iter().any(|(path, was)| std::fs::read(path).ok().as_ref() != Some(was))
    }
}

/// Reads files, and remembers what was in them.
struct Reader<'a> {
    /// Relative names start here.
    folder: &'a Path,
    sources: Vec<(PathBuf, Vec<u8>)>,
}

impl Reader<'_> {
    fn bytes(&mut self, name: &Path) -> Result<Vec<u8>, String> {
        let path = self.folder.join(name);
        let unreadable = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
        let file = std::fs::File::open(&path).map_err(unreadable)?;
        let mut bytes = Vec::new();
        file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(format!("{} is larger than 1 MiB", path.display()));
        }
        self.sources.push((path, bytes.clone()));
        Ok(bytes)
    }

    fn text(&mut self, name: &Path) -> Result<String, String> {
        let bytes = self.bytes(name)?;
        String::from_utf8(bytes).map_err(|_| format!("{} is not UTF-8 text", name.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.yml");
        std::fs::write(&path, text).unwrap();
        let problems = load(&path).err().unwrap_or_default();
        let folder = format!("{}/", folder.path().display());
        let told = |KeyProblem { path, text }| format!("{path}: {}", text.replace(&folder, ""));
        problems.into_iter().map(told).collect()
    }

    #[test]
    fn every_problem_of_the_file_is_reported_at_once() {
        let hash = bcrypt::hash("secret", 4).unwrap();
        let text = format!(
            "
            tls_server_config:
              cert_file: [a]
              key_file: gone.key
              min_version: TLS10
              max_version: SSL3
              cipher_suites: [RC4, TLS_AES_128_GCM_SHA256]
              curve_preferences: [P-256, X25519]
              client_auth_type: Sometimes
              keyfile: x
            http_server_config:
              http2: perhaps
              headers: {{ Server: x, X-Frame-Options: \"a\\nb\" }}
            basic_auth_users:
              alice: {hash}
              bob: [hidden]
              'carol:': {hash}
            colour: 1"
        );
        let report = problems(&text).join("\n");
        for expected in [
            "tls_server_config.cert_file: must be a string, not a list",
            "tls_server_config.key_file: cannot read gone.key: No such file or directory (os error 2)",
            "tls_server_config.min_version: TLS10 is not secure: use TLS12 or TLS13",
            "tls_server_config.max_version: must be TLS12 or TLS13, not \"SSL3\"",
            "tls_server_config.cipher_suites[0]: \"RC4\" is not a supported cipher suite",
            "tls_server_config.curve_preferences[0]: \"P-256\" is not a supported curve (supported: CurveP256, \
             CurveP384, X25519)",
            "tls_server_config.client_auth_type: must be one of NoClientCert, RequestClientCert, \
             RequireAnyClientCert, VerifyClientCertIfGiven, RequireAndVerifyClientCert, not \"Sometimes\"",
            "tls_server_config.keyfile: unknown key, expected one of cert_file, key_file, client_ca_file, \
             client_auth_type, min_version, max_version, cipher_suites, curve_preferences, \
             prefer_server_cipher_suites",
            "http_server_config.http2: must be true or false, not \"perhaps\"",
            "http_server_config.headers.Server: is not a supported header (supported: \
             Content-Security-Policy, Strict-Transport-Security, X-Content-Type-Options, X-Frame-Options, \
             X-XSS-Protection)",
            "http_server_config.headers.X-Frame-Options: is not a valid header value",
            "basic_auth_users.bob: must be a string",
            "basic_auth_users.carol:: a user name cannot contain a colon",
            "colour: unknown key, expected one of tls_server_config, http_server_config, basic_auth_users",
        ] {
            assert!(report.lines().any(|line| line == expected), "{expected} is not in:\n{report}");
        }
        assert_eq!(report.lines().count(), 14, "{report}");
    }

    #[test]
    fn what_is_asked_of_clients_fits_the_certificates_that_are_known() {
        for (keys, problem) in [
            ("client_ca_file: ca.pem", "client_auth_type: must be RequireAndVerifyClientCert or"),
            ("client_auth_type: VerifyClientCertIfGiven", "client_ca_file: is required for client_auth_type"),
            ("client_auth_type: RequireAnyClientCert", "client_auth_type: this server verifies every"),
            ("min_version: TLS13, max_version: TLS12", "max_version: is below min_version"),
        ] {
            let report = problems(&format!("tls_server_config: {{ {keys} }}"));
            let is_told = |line: &String| line.starts_with(&format!("tls_server_config.{problem}"));
            assert_eq!(report.iter().filter(|line| is_told(line)).count(), 1, "{keys}: {report:?}");
            assert_eq!(report.len(), 3, "besides, cert_file and key_file are required: {report:?}");
        }
    }

    #[test]
    fn a_file_that_could_become_gigabytes_is_refused_unread() {
        let bomb = "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]";
        assert_eq!(problems(bomb), [": anchors and aliases are not supported"]);
        assert_eq!(problems("a: \"no *alias, no &anchor\"").len(), 1, "a text is none");
        assert_eq!(problems(&" ".repeat(1 << 20)), [""; 0]);
        assert_eq!(problems(&" ".repeat((1 << 20) + 1)), [": web.yml is larger than 1 MiB"]);
        assert_eq!(problems("- a"), [": is not a valid YAML mapping"]);
        assert_eq!(problems("{ hidden: "), [": is not a valid YAML mapping"]);
    }
}
