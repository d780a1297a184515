//! The `process_*` metrics of Prometheus' client libraries, read from `/proc`.
//!
//! The `prometheus` crate has a collector for them, but it counts CPU time in whole seconds.

use prometheus::proto::MetricFamily;
use prometheus::{Counter, Gauge, Registry};

/// The families as they are now; those that cannot be read are absent.
pub(super) fn gather() -> prometheus::Result<Vec<MetricFamily>> {
    let registry = Registry::new();
    if let Some(figures) = Figures::read() {
        figures.register(&registry)?;
    }
    Ok(registry.gather())
}

struct Figures {
    cpu_seconds: f64,
    start_time_seconds: f64,
    virtual_bytes: f64,
    resident_bytes: f64,
    open_fds: Option<f64>,
    max_fds: Option<f64>,
}

impl Figures {
    #[cfg(target_os = "linux")]
    fn read() -> Option<Self> {
        use procfs::process::{LimitValue, Process};
        let process = Process::myself().ok()?;
        let stat = process.stat().ok()?;
        let ticks = procfs::ticks_per_second() as f64;
        let soft_limit = match process.limits().ok()?.max_open_files.soft_limit {
            LimitValue::Value(limit) => Some(limit as f64),
            LimitValue::Unlimited => None,
        };
        Some(Self {
            cpu_seconds: (stat.utime + stat.stime) as f64 / ticks,
            start_time_seconds: procfs::boot_time_secs().ok()? as f64 + stat.starttime as f64 / ticks,
            virtual_bytes: stat.vsize as f64,
            resident_bytes: (stat.rss * procfs::page_size()) as f64,
            open_fds: process.fd_count().ok().map(|count| count as f64),
            max_fds: soft_limit,
        })
    }

    #[cfg(not(target_os = "linux"))]
    fn read() -> Option<Self> {
        None
    }

    fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        let cpu =
            Counter::new("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.")?;
        cpu.inc_by(self.cpu_seconds);
        registry.register(Box::new(cpu))?;
        let gauges = [
            (
                "process_start_time_seconds",
                "Start time of the process in seconds since the Unix epoch.",
                Some(self.start_time_seconds),
            ),
            ("process_virtual_memory_bytes", "Virtual memory size in bytes.", Some(self.virtual_bytes)),
            ("process_resident_memory_bytes", "Resident memory size in bytes.", Some(self.resident_bytes)),
            ("process_open_fds", "Number of open file descriptors.", self.open_fds),
            ("process_max_fds", "Maximum number of open file descriptors.", self.max_fds),
        ];
        for (name, help, value) in gauges {
            let Some(value) = value else { continue };
            let gauge = Gauge::new(name, help)?;
            gauge.set(value);
            registry.register(Box::new(gauge))?;
        }
        Ok(())
    }
}
