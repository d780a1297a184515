//! A process of this run, and what it takes.

use std::process::{Child, Command};
use std::time::Duration;

use anyhow::Context as _;
use procfs::process::Process;

/// A process that ends with this value.
pub struct Running(pub Child);

impl Running {
    pub fn start(command: &mut Command) -> anyhow::Result<Self> {
        let child = command.spawn().with_context(|| format!("could not start {command:?}"))?;
        Ok(Self(child))
    }

    /// CPU seconds so far, those of its children too.
    pub fn cpu_seconds(&self) -> anyhow::Result<f64> {
        let own = Process::new(self.0.id().cast_signed())?;
        let children = own.task_main_thread()?.children()?;
        let children = children.into_iter().map(|id| Process::new(id.cast_signed()));
        let mut ticks = 0;
        for process in children.chain([Ok(own)]) {
            let stat = process?.stat()?;
            ticks += stat.utime + stat.stime;
        }
        Ok(ticks as f64 / procfs::ticks_per_second() as f64)
    }

    /// Resident memory in MB, now.
    pub fn megabytes(&self) -> anyhow::Result<f64> {
        self.status(|status| status.vmrss)
    }

    /// Resident memory in MB, the most so far.
    pub fn peak_megabytes(&self) -> anyhow::Result<f64> {
        self.status(|status| status.vmhwm)
    }

    fn status(&self, kilobytes: fn(&procfs::process::Status) -> Option<u64>) -> anyhow::Result<f64> {
        let status = Process::new(self.0.id().cast_signed())?.status()?;
        Ok(kilobytes(&status).context("its memory cannot be read")? as f64 * 1024.0 / 1e6)
    }
}

impl Drop for Running {
    /// Asks first: a process with children ends them.
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        for _ in 0..100 {
            if matches!(self.0.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The median of at least one figure.
pub fn median<T: PartialOrd + Copy>(figures: impl IntoIterator<Item = T>) -> T {
    let mut figures: Vec<T> = figures.into_iter().collect();
    figures.sort_by(|one, other| one.partial_cmp(other).expect("figures are numbers"));
    figures[figures.len() / 2]
}
