//! Where the settings say that copies of the index are kept.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;
use std::str::FromStr;

use object_store::aws::AmazonS3Builder;
use object_store::path::Path;

use super::Shelf;
use super::bucket::Bucket;
use super::folder::Folder;

const FORM: &str = "write it as a folder, or as s3://bucket/prefix";

/// A folder that all replicas see, or a bucket of an S3-compatible store with what its names begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Folder(PathBuf),
    Bucket { name: String, prefix: Path },
}

impl Place {
    /// The place itself. How a bucket is reached is said in the environment, as every program of its kind is told.
    pub(super) fn shelf(&self) -> anyhow::Result<Box<dyn Shelf>> {
        Ok(match self {
            Self::Folder(root) => Box::new(Folder::new(root)),
            Self::Bucket { name, prefix } => Box::new(Bucket::new(AmazonS3Builder::from_env(), name, prefix)?),
        })
    }
}

impl FromStr for Place {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return if text.is_empty() { Err(FORM) } else { Ok(Self::Folder(text.into())) };
        };
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
        if scheme != "s3" || !is_name {
            return Err(FORM);
        }
        let prefix = Path::parse(prefix).map_err(|_| FORM)?;
        Ok(Self::Bucket { name: name.to_owned(), prefix })
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(root) => root.display().fmt(f),
            Self::Bucket { name, prefix } => write!(f, "s3://{name}/{prefix}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_folder_or_a_bucket_and_no_other_address() {
        for (text, shown) in [
            ("/var/lib/eureka/copies", "/var/lib/eureka/copies"),
            ("copies", "copies"),
            ("s3://tips", "s3://tips/"),
            ("s3://tips/eureka/index/", "s3://tips/eureka/index"),
        ] {
            assert_eq!(text.parse::<Place>().unwrap().to_string(), shown);
        }
        for wrong in ["", "s3://", "s3:///x", "s3://key:secret@tips", "s3://tips/a//b", "s3://tips/../x", "gs://tips"] {
            assert_eq!(wrong.parse::<Place>(), Err(FORM), "{wrong}");
        }
    }
}
