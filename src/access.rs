//! Who may read the answers, and how they are sent: the web configuration file of Prometheus' exporters,
//! <https://prometheus.io/docs/prometheus/latest/configuration/https/>.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyper::header::HeaderMap;
use rustls::ServerConfig;

mod file;
mod tls;
mod users;
mod watch;

pub use users::Users;
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

/// Something in the file that is not right: the key path, empty for the whole, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub path: String,
    pub text: String,
}

impl Problem {
    fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }
}

/// Reads the file at `path` and those that it names, or tells everything that is wrong with them.
pub fn load(path: &Path) -> Result<Web, Vec<Problem>> {
    let mut reader = Reader { folder: path.parent().unwrap_or(Path::new("")), sources: Vec::new() };
    let name = path.file_name().map(PathBuf::from).unwrap_or_default();
    let text = reader.text(&name).map_err(|text| vec![Problem::new("", text)])?;
    let file = file::parse(&text).map_err(|problem| vec![problem])?;
    let mut problems = Vec::new();
    let tls = file.tls_server_config.as_ref().and_then(|tls| tls::check(tls, &mut reader, &mut problems));
    let users = Users::check(file.basic_auth_users, &mut problems);
    let headers = file.http_server_config.check(&mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    let clients_are_known = tls.is_some() && file.tls_server_config.is_some_and(|tls| tls.demands_a_client());
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
        let bytes =
            std::fs::read(&path).map_err(|error| format!("could not read {}: {error}", path.display()))?;
        self.sources.push((path, bytes.clone()));
        Ok(bytes)
    }

    fn text(&mut self, name: &Path) -> Result<String, String> {
        let bytes = self.bytes(name)?;
        String::from_utf8(bytes).map_err(|_| format!("{} is no UTF-8 text", name.display()))
    }
}
