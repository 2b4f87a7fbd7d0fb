//! Copies in a bucket of an S3-compatible store. Nothing there can be renamed: the files go where they stay, and the manifest
//! that makes them a copy goes last, as it is the first to be deleted.

use std::fs::File;
use std::io::{Read, Write};
use std::time::Duration;

use anyhow::{Context, anyhow};
use futures_util::TryStreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{
    Error, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutPayload, Result, RetryConfig,
};

use super::courier::Courier;
use super::{MANIFEST, Parcel, Shelf};

/// How much of a file is asked for, or sent, in one request.
pub(super) const PART: u64 = 8 << 20;

/// A bucket that all replicas may read and write.
pub(super) struct Bucket {
    store: AmazonS3,
    prefix: Path,
}

impl Bucket {
    /// A bucket as a store has it that is told from elsewhere: where it is, and who asks.
    pub(super) fn new(store: AmazonS3Builder, name: &str, prefix: &Path) -> anyhow::Result<Self> {
        let retry = RetryConfig { max_retries: 2, retry_timeout: Duration::from_secs(20), ..RetryConfig::default() };
        let store = store
            .with_bucket_name(name)
            .with_http_connector(Courier)
            .with_retry(retry)
            .with_disable_bulk_delete(true) // which not every store knows
            .build()
            .context("the AWS_… variables do not say how the bucket for snapshots is reached")?;
        Ok(Self { store, prefix: prefix.clone() })
    }

    fn at(&self, path: &str) -> Result<Path> {
        Ok(Path::parse(format!("{}/{path}", self.prefix))?)
    }

    /// Sends a file; a large one in parts, of which the store makes an object when it has them all.
    fn put(&self, path: &Path, mut file: File) -> anyhow::Result<()> {
        let first = next_part(&mut file)?;
        if (first.len() as u64) < PART {
            wait(self.store.put(path, first.into()))?;
            return Ok(());
        }
        let mut upload = wait(self.store.put_multipart(path))?;
        let sent = put_parts(upload.as_mut(), first, &mut file);
        if sent.is_err() {
            let _ = wait(upload.abort()); // its parts would be kept, and paid for; what went wrong first is to be told
        }
        sent
    }
}

impl Shelf for Bucket {
    fn list(&self, under: &str) -> anyhow::Result<Vec<String>> {
        let top = self.at(under)?;
        let found: Vec<ObjectMeta> = wait(self.store.list(Some(&top)).try_collect())?;
        let begins = format!("{top}/");
        Ok(found.iter().filter_map(|file| file.location.as_ref().strip_prefix(&begins)).map(str::to_owned).collect())
    }

    fn read(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        let path = self.at(path)?;
        Ok(wait(async { self.store.get(&path).await?.bytes().await })?.to_vec())
    }

    fn fetch(&self, path: &str, bytes: u64, to: &mut File) -> anyhow::Result<()> {
        let path = self.at(path)?;
        let mut begin = 0;
        while begin < bytes {
            let end = bytes.min(begin + PART);
            to.write_all(&wait(self.store.get_range(&path, begin..end))?)?;
            begin = end;
        }
        Ok(())
    }

    fn claim(&self, path: &str) -> anyhow::Result<bool> {
        let path = self.at(path)?;
        let put = self.store.put_opts(&path, PutPayload::default(), PutMode::Create.into());
        wait(async {
            match put.await {
                Ok(_) => Ok(true),
                Err(Error::AlreadyExists { .. }) => Ok(false),
                Err(error) => Err(error),
            }
        })
    }

    fn send(&self, copy: &str, parcel: &Parcel<'_>) -> anyhow::Result<()> {
        self.remove(copy)?; // of the same place, and too old or not whole
        for file in parcel.files() {
            let (name, source) = file?;
            self.put(&self.at(&format!("{copy}/{name}"))?, File::open(source)?)?;
        }
        let manifest = self.at(&format!("{copy}/{MANIFEST}"))?;
        wait(self.store.put(&manifest, parcel.manifest.clone().into()))?;
        Ok(())
    }

    fn remove(&self, path: &str) -> anyhow::Result<()> {
        let mut paths = vec![format!("{path}/{MANIFEST}"), path.to_owned()];
        paths.extend(self.list(path)?.iter().map(|name| format!("{path}/{name}")));
        for path in paths {
            let path = self.at(&path)?;
            wait(async {
                match self.store.delete(&path).await {
                    Err(Error::NotFound { .. }) => Ok(()), // so some stores say
                    done => done,
                }
            })?;
        }
        Ok(())
    }
}

fn put_parts(upload: &mut dyn MultipartUpload, first: Vec<u8>, file: &mut File) -> anyhow::Result<()> {
    let mut part = first;
    while !part.is_empty() {
        wait(upload.put_part(part.into()))?;
        part = next_part(file)?;
    }
    wait(upload.complete())?;
    Ok(())
}

fn next_part(file: &mut File) -> std::io::Result<Vec<u8>> {
    let mut part = Vec::new();
    file.take(PART).read_to_end(&mut part)?;
    Ok(part)
}

/// Waits for the store on a thread that may wait. Its client blocks; only the pause before another try takes a runtime.
fn wait<T>(work: impl Future<Output = Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(work).map_err(|error| anyhow!("{error}")) // which tells its causes itself
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Seek;
    use std::sync::atomic::{AtomicBool, Ordering};

    use eureka_testkit::MockBucket;

    use super::*;

    fn bucket(mock: &MockBucket) -> Bucket {
        let store = AmazonS3Builder::new()
            .with_endpoint(mock.endpoint())
            .with_allow_http(true)
            .with_access_key_id(MockBucket::KEY)
            .with_secret_access_key("secret");
        Bucket::new(store, MockBucket::NAME, &Path::parse("some/where").unwrap()).unwrap()
    }

    /// A folder with a file of 20 MiB and a small one.
    fn folder() -> (tempfile::TempDir, BTreeMap<&'static str, Vec<u8>>) {
        let folder = tempfile::tempdir().unwrap();
        let large: Vec<u8> = (0..5u32 << 20).flat_map(|word| word.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        let files =
            BTreeMap::from([("open/large", large), ("open/small", b"small".to_vec()), ("open/none", Vec::new())]);
        std::fs::create_dir(folder.path().join("open")).unwrap();
        for (name, bytes) in &files {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        (folder, files)
    }

    fn parcel<'p>(folder: &'p tempfile::TempDir, stopping: &'p AtomicBool) -> Parcel<'p> {
        let names = vec!["open/large", "open/none", "open/small"];
        Parcel { folder: folder.path(), names, manifest: b"{}".to_vec(), stopping }
    }

    #[test]
    fn a_large_file_goes_and_comes_in_parts_and_the_manifest_goes_last() {
        let (mock, (folder, files)) = (MockBucket::start(), folder());
        let (bucket, stopping) = (bucket(&mock), AtomicBool::new(false));
        bucket.send("life/7", &parcel(&folder, &stopping)).unwrap();
        let asked = mock.asked();
        assert!(asked.last().unwrap().starts_with("PUT /tips/some/where/life/7/manifest.json"), "{asked:?}");
        assert_eq!(asked.iter().filter(|request| request.contains("partNumber=")).count(), 3, "{asked:?}");
        assert!(mock.largest() <= PART, "{}", mock.largest());

        let mut names = bucket.list("life").unwrap();
        names.sort();
        assert_eq!(names, ["7/manifest.json", "7/open/large", "7/open/none", "7/open/small"]);
        assert_eq!(bucket.read("life/7/manifest.json").unwrap(), b"{}");
        for (name, bytes) in files {
            let mut file = tempfile::tempfile().unwrap();
            bucket.fetch(&format!("life/7/{name}"), bytes.len() as u64, &mut file).unwrap();
            let mut fetched = Vec::new();
            file.rewind().unwrap();
            file.read_to_end(&mut fetched).unwrap();
            assert!(fetched == bytes, "{name}");
        }
        bucket.remove("life/7").unwrap();
        assert_eq!(bucket.list("").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn what_is_given_up_on_leaves_no_manifest_and_no_parts() {
        let (mock, (folder, _)) = (MockBucket::start(), folder());
        let (bucket, stopping) = (bucket(&mock), AtomicBool::new(false));
        bucket.send("life/7", &parcel(&folder, &stopping)).unwrap();
        mock.refuse("partNumber=2");
        let error = bucket.send("life/7", &parcel(&folder, &stopping)).unwrap_err();
        assert!(format!("{error:#}").contains("503"), "{error:#}");
        assert_eq!((bucket.list("life").unwrap(), mock.uploads()), (Vec::new(), 0));
        mock.refuse("");
        stopping.store(true, Ordering::SeqCst);
        assert!(bucket.send("life/7", &parcel(&folder, &stopping)).is_err());
        assert_eq!(bucket.list("life").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn of_those_who_claim_at_once_one_succeeds() {
        let (mock, folder) = (MockBucket::start(), tempfile::tempdir().unwrap());
        for shelf in [&bucket(&mock) as &dyn Shelf, &super::super::folder::Folder::new(folder.path())] {
            let claims = std::thread::scope(|scope| {
                let all: Vec<_> = (0..8).map(|_| scope.spawn(|| shelf.claim("life/claim-1").unwrap())).collect();
                all.into_iter().map(|claim| claim.join().unwrap()).collect::<Vec<_>>()
            });
            assert_eq!(claims.iter().filter(|&&mine| mine).count(), 1);
            shelf.remove("life/claim-1").unwrap();
            assert!(shelf.claim("life/claim-1").unwrap());
        }
    }
}
