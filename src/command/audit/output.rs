//! Where the report goes: to stdout, or whole into a file.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::NamedTempFile;

pub(super) enum Output {
    Stdout,
    /// Beside `path`, and renamed to it at the end.
    Whole {
        temporary: NamedTempFile,
        path: PathBuf,
    },
    /// A terminal, pipe or device, which must not be replaced.
    Special {
        file: File,
        path: PathBuf,
    },
}

impl Output {
    /// Stdout, or `path`; it is an error when nothing can be written there.
    pub fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self::Stdout) };
        Self::to(path).with_context(|| cannot_write(&path.display().to_string()))
    }

    fn to(path: &Path) -> io::Result<Self> {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        match path.metadata() {
            Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) if !found.is_file() => {
                Ok(Self::Special { file: OpenOptions::new().write(true).open(&path)?, path })
            }
            _ => Ok(Self::Whole { temporary: beside(&path)?, path }),
        }
    }

    /// Delivers what `report` writes: all of it, or an error.
    pub fn write(self, report: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
        match self {
            Self::Stdout => all(io::stdout().lock(), report).with_context(|| cannot_write("stdout")),
            Self::Special { file, path } => {
                all(file, report).with_context(|| cannot_write(&path.display().to_string()))
            }
            Self::Whole { mut temporary, path } => all(&mut temporary, report)
                .and_then(|()| temporary.as_file().sync_all())
                .and_then(|()| Ok(temporary.persist(&path).map(drop)?))
                .with_context(|| cannot_write(&path.display().to_string())),
        }
    }
}

/// With the rights that a new file gets.
fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    tempfile::Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(folder)
}

fn all(out: impl Write, report: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    report(&mut out)?;
    out.flush()
}

fn cannot_write(place: &str) -> String {
    format!("cannot write the report to {place}; set --output to another file")
}
