//! The log: to stderr, of this program; its libraries only warn. It never keeps the program waiting: lines that a slow
//! reader leaves no room for are dropped and counted.

use std::io::{self, IsTerminal as _, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::Log;
use crate::instruments::LOG_LINES_DROPPED;

/// Lines that wait for the reader.
const MAX_LINES: usize = 10_000;
/// Bytes of these lines.
const MAX_BYTES: usize = 4 << 20;
/// For the last lines when the process ends.
const MAX_FLUSH: Duration = Duration::from_secs(1);
/// Between two looks whether they are written.
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// Starts the log of the process. Text in it is escaped: a tag cannot paint a terminal or forge a line.
pub fn start(log: &Log) -> io::Result<Flush> {
    let filter = EnvFilter::new(format!("warn,alicloud_tag_exporter={}", log.level));
    let (lines, _) = lossy(io::stderr())?;
    let log_to_stderr = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(lines.clone())
        // They would be reported on stderr, by a macro that panics when nobody reads it any more.
        .log_internal_errors(false)
        .with_ansi(io::stderr().is_terminal());
    match log.json {
        true => log_to_stderr.json().init(),
        false => log_to_stderr.init(),
    }
    Ok(Flush(lines))
}

/// Waits for the last lines when it is dropped, but not for long.
pub struct Flush(Lines);

impl Drop for Flush {
    fn drop(&mut self) {
        let end = Instant::now() + MAX_FLUSH;
        while self.0.waiting.load(Ordering::Acquire) > 0 && Instant::now() < end {
            thread::sleep(BETWEEN_LOOKS);
        }
    }
}

/// Takes lines and never blocks.
#[derive(Clone)]
struct Lines {
    queue: SyncSender<Vec<u8>>,
    /// Bytes that are not written yet.
    waiting: Arc<AtomicUsize>,
}

/// Lines that a thread of their own writes to `output`.
fn lossy(output: impl Write + Send + 'static) -> io::Result<(Lines, JoinHandle<()>)> {
    let (queue, lines) = sync_channel(MAX_LINES);
    let waiting = Arc::new(AtomicUsize::new(0));
    let written = Arc::clone(&waiting);
    let thread = thread::Builder::new().name("log".to_owned()).spawn(|| write(output, lines, written))?;
    Ok((Lines { queue, waiting }, thread))
}

fn write(mut output: impl Write, lines: Receiver<Vec<u8>>, waiting: Arc<AtomicUsize>) {
    for line in lines {
        // The program goes on when nobody reads its log.
        let _ = output.write_all(&line);
        waiting.fetch_sub(line.len(), Ordering::Release);
    }
}

impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let before = self.waiting.fetch_add(line.len(), Ordering::Relaxed);
        if before + line.len() > MAX_BYTES || self.queue.try_send(line.to_vec()).is_err() {
            self.waiting.fetch_sub(line.len(), Ordering::Relaxed);
            LOG_LINES_DROPPED.inc();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::channel;

    use super::*;

    /// Lets a line pass for each permit.
    struct Slow(Receiver<()>, Arc<Mutex<Vec<u8>>>);

    impl Write for Slow {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            self.1.lock().unwrap().extend_from_slice(line);
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_stalls_keeps_nobody_waiting_and_what_is_dropped_is_counted() {
        let (permits, taken) = channel();
        let read = Arc::new(Mutex::new(Vec::new()));
        let (lines, thread) = lossy(Slow(taken, Arc::clone(&read))).unwrap();
        let before = LOG_LINES_DROPPED.get();
        let line = vec![b'x'; MAX_BYTES / 8];
        for _ in 0..20 {
            (&lines).write_all(&line).unwrap();
        }
        assert_eq!(LOG_LINES_DROPPED.get() - before, 12);
        drop(permits);
        drop(lines);
        thread.join().unwrap();
        assert_eq!(read.lock().unwrap().len(), MAX_BYTES);
    }
}
