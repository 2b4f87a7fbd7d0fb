//! Copies in a folder. Not by `object_store`, which makes files with whatever permissions there happen to be: here they are
//! their owner's alone, and seen to the disk before they have their name.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use eureka_domain::{Clock, Ids};

use super::{DRAFT, MANIFEST, Parcel, Shelf};
use crate::clock::{SystemClock, SystemIds};
use crate::manifest;

/// A folder that all replicas see.
pub(super) struct Folder {
    root: PathBuf,
}

impl Folder {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }
}

impl Shelf for Folder {
    fn list(&self, under: &str) -> anyhow::Result<Vec<String>> {
        let top = self.root.join(under);
        let (mut found, mut folders) = (Vec::new(), vec![top.clone()]);
        while let Some(folder) = folders.pop() {
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error).with_context(|| format!("cannot read {}", folder.display())),
            };
            for entry in entries {
                let entry = entry?;
                let path = entry.path();
                found.extend(path.strip_prefix(&top).ok().and_then(Path::to_str).map(str::to_owned));
                if entry.file_type()?.is_dir() {
                    folders.push(path);
                }
            }
        }
        Ok(found)
    }

    fn read(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        Ok(fs::read(self.root.join(path))?)
    }

    fn fetch(&self, path: &str, bytes: u64, to: &mut File) -> anyhow::Result<()> {
        io::copy(&mut File::open(self.root.join(path))?.take(bytes), to)?;
        Ok(())
    }

    fn claim(&self, path: &str) -> anyhow::Result<bool> {
        let claim = self.root.join(path);
        fs::create_dir_all(manifest::folder_of(&claim))?;
        match File::create_new(&claim) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error).with_context(|| format!("cannot write {}", claim.display())),
        }
    }

    /// Makes a draft beside it, which is given the copy's name once it is whole.
    fn send(&self, copy: &str, parcel: &Parcel<'_>) -> anyhow::Result<()> {
        let copy = self.root.join(copy);
        let life = manifest::folder_of(&copy);
        let draft = life.join(format!("{DRAFT}{}", SystemIds::new().next(SystemClock.now()).simple()));
        for file in parcel.files() {
            let (name, source) = file?;
            let mut out = manifest::create_private(&draft.join(name))?;
            io::copy(&mut File::open(source)?, &mut out)?;
            out.sync_all()?;
        }
        let mut out = manifest::create_private(&draft.join(MANIFEST))?;
        out.write_all(&parcel.manifest)?;
        out.sync_all()?;
        if copy.exists() {
            fs::remove_dir_all(&copy)?; // of the same place, and too old or not whole
        }
        fs::rename(&draft, &copy)?;
        Ok(File::open(life)?.sync_all()?)
    }

    fn remove(&self, path: &str) -> anyhow::Result<()> {
        let path = self.root.join(path);
        if !path.is_dir() {
            return Ok(fs::remove_file(path)?);
        }
        match fs::remove_file(path.join(MANIFEST)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(fs::remove_dir_all(path)?),
        }
    }
}
