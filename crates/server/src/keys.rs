//! The signing keys on disk: one PKCS#8 file a key, readable by their owner alone. The newest signs, all verify.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use eureka_service::{Keys, generate_key};

/// Reads the keys of a directory; makes the first one where there is none.
pub(crate) fn load_or_create(dir: &Path, issuer: &str) -> anyhow::Result<Keys> {
    let mut files = key_files(dir)?;
    if files.is_empty() {
        create(dir).with_context(|| format!("cannot make a signing key in {}", dir.display()))?;
        files = key_files(dir)?;
    }
    read(files, issuer)
}

/// Reads these keys.
pub(crate) fn read(mut files: Vec<PathBuf>, issuer: &str) -> anyhow::Result<Keys> {
    files.sort();
    files.reverse();
    let private = files
        .iter()
        .map(|file| {
            check_permissions(file)?;
            fs::read(file).with_context(|| format!("cannot read {}", file.display()))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    Ok(Keys::new(issuer, &private)?)
}

/// The key files of a directory.
pub(crate) fn key_files(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", dir.display())),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "pk8") {
            files.push(path);
        }
    }
    Ok(files)
}

fn create(dir: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(dir)?;
    let file = dir.join("signing-0001.pk8");
    let mut draft = tempfile::NamedTempFile::new_in(dir)?; // owner-only from the start
    draft.write_all(&generate_key()?)?;
    draft.as_file().sync_all()?;
    // Two processes may start at once: the first one's key stays.
    match draft.persist_noclobber(&file) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.error.into()),
    }
}

/// Refuses a key that others on this machine can read.
#[cfg(unix)]
fn check_permissions(file: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(file)?.permissions().mode();
    ensure!(mode & 0o077 == 0, "{} can be read by others: chmod 600 it", file.display());
    Ok(())
}

#[cfg(not(unix))]
fn check_permissions(_: &Path) -> anyhow::Result<()> {
    Ok(())
}
