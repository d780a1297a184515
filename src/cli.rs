//! The command line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::command::audit;
#[cfg(feature = "demo")]
use crate::command::demo;
use crate::command::products;
use crate::config::{Problem, Problems, Sources};

/// Prometheus exporter and tag inventory for Alibaba Cloud resources, including untagged ones.
#[derive(Debug, Parser)]
#[command(version, name = "alicloud-tag-exporter")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub flags: Flags,
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Run the daemon (also without a command).
    Serve,
    /// Collect every target once, evaluate the policy, print a report, and exit: 0 compliant, 1 violations, 3 unknown.
    Audit(audit::Options),
    /// Check the configuration, print every problem, and exit.
    CheckConfig,
    /// Print what can be listed, or the RAM policy that is needed for it.
    Products(products::Options),
    #[cfg(feature = "demo")]
    /// Run the daemon against a simulated cloud, without an account or a configuration file.
    Demo(demo::Options),
}

#[derive(Debug, Clone, Args)]
pub struct Flags {
    /// Configuration file [default: config.toml]
    #[arg(long = "config.file", global = true, value_name = "FILE")]
    pub config_file: Option<PathBuf>,
    /// Address to listen on [default: 0.0.0.0:10042]
    #[arg(long = "web.listen-address", global = true, value_name = "ADDRESS")]
    pub listen_address: Option<String>,
    /// Web configuration file for TLS and basic authentication, in the Prometheus exporter format.
    #[arg(long = "web.config.file", global = true, value_name = "FILE")]
    pub web_config_file: Option<String>,
    /// Log level: error, warn, info, debug or trace [default: info]
    #[arg(long = "log.level", global = true, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// Log format: text or json [default: text]
    #[arg(long = "log.format", global = true, value_name = "FORMAT")]
    pub log_format: Option<String>,
}

impl Flags {
    /// Everything that the configuration is made of, without a file.
    pub fn sources(&self, environment: BTreeMap<String, String>) -> Sources {
        let given = [
            ("web.listen_address", &self.listen_address),
            ("web.config_file", &self.web_config_file),
            ("log.level", &self.log_level),
            ("log.format", &self.log_format),
        ];
        let flags = given.into_iter().filter_map(|(path, value)| Some((path, value.clone()?))).collect();
        Sources { file: None, environment, flags }
    }

    pub fn config_file(&self) -> &Path {
        self.config_file.as_deref().unwrap_or_else(|| Path::new("config.toml"))
    }

    /// Whether there is a configuration: a file that is named, or the one of the usual name.
    pub fn has_config_file(&self) -> bool {
        self.config_file.is_some() || self.config_file().exists()
    }

    /// The same with the file, which must be there.
    pub fn sources_with_file(&self, environment: BTreeMap<String, String>) -> Result<Sources, Problems> {
        let file = self.config_file();
        let name = file.display().to_string();
        let text = std::fs::read_to_string(file).map_err(|error| {
            let text = format!("cannot read {name}: {error}; set --config.file to the configuration file");
            Problems(vec![Problem { origin: None, path: String::new(), text }])
        })?;
        Ok(Sources { file: Some((name, text)), ..self.sources(environment) })
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    /// The help of a command, or why the arguments are refused.
    fn said(arguments: &[&str]) -> String {
        let whole = ["exporter"].iter().chain(arguments);
        Cli::try_parse_from(whole).map_or_else(|error| error.to_string(), |cli| format!("{cli:?}"))
    }

    #[test]
    fn every_command_takes_the_configuration_file_but_the_demo_which_has_its_own() {
        Cli::command().debug_assert();
        for command in ["serve", "audit", "check-config", "products"] {
            assert!(said(&[command, "--help"]).contains("--config.file"), "{command}");
            for arguments in [[command, "--config.file=x.toml"], ["--config.file=x.toml", command]] {
                assert!(said(&arguments).contains("config_file: Some(\"x.toml\")"), "{}", said(&arguments));
            }
        }
        assert!(said(&["serve"]).contains("config_file: None"));
        #[cfg(feature = "demo")]
        {
            assert!(!said(&["demo", "--help"]).contains("--config.file"));
            assert!(said(&["demo", "--config.file=x.toml"]).contains("has its own configuration"));
            assert!(said(&["demo", "--log.level=debug"]).contains("log_level: Some(\"debug\")"));
        }
    }
}
