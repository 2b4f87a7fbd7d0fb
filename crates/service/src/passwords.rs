//! Password hashing: argon2id with 19 MiB and two passes (OWASP Password Storage Cheat Sheet), on a few threads of its own,
//! so that a flood of logins cannot take the processors from everyone else. Nor the memory: on the threads that serve
//! requests, every one of hundreds would come to keep blocks of 19 MiB.

mod changing;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::ServiceError;
use crate::workers::Workers;

pub use changing::ResetToken;
pub(crate) use changing::personal;

/// How long a login waits for its answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// How many may wait for their turn.
const QUEUE: usize = 64;

/// Hashes and checks passwords. Its threads end when it is dropped.
pub struct Passwords {
    workers: Workers,
    hasher: Argon2<'static>,
    /// Checked in place of the hash of an unknown user, so that both take the same time.
    decoy: String,
    looked_at: AtomicU64,
}

impl Passwords {
    /// A hasher that runs at most `at_once` hashes at the same time.
    pub fn new(at_once: usize) -> Result<Self, ServiceError> {
        Self::costing(at_once, Params::DEFAULT)
    }

    /// The same with the least work that argon2 knows: for tests, which would spend a third of their time on hashes.
    pub fn cheap(at_once: usize) -> Result<Self, ServiceError> {
        let least = Params::new(Params::MIN_M_COST, Params::MIN_T_COST, Params::MIN_P_COST, None);
        Self::costing(at_once, least.map_err(ServiceError::internal)?)
    }

    fn costing(at_once: usize, cost: Params) -> Result<Self, ServiceError> {
        let workers = Workers::new("passwords", at_once, QUEUE, PATIENCE, "too many logins at once")?;
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost);
        let decoy = hash(&hasher, "a password that nobody has")?;
        Ok(Self { workers, hasher, decoy, looked_at: AtomicU64::new(0) })
    }

    /// The PHC string to keep for a password.
    pub fn hash(&self, password: &str) -> Result<String, ServiceError> {
        let (hasher, password) = (self.hasher.clone(), password.to_owned());
        self.workers.run(move || hash(&hasher, &password))
    }

    /// Whether a password fits the stored hash; takes as long when there is none.
    pub fn fits(&self, password: &str, stored: Option<&str>) -> Result<bool, ServiceError> {
        let password = password.to_owned();
        let known = stored.is_some();
        self.looked_at.fetch_add(1, Ordering::Relaxed);
        let stored = stored.unwrap_or(&self.decoy).to_owned();
        self.workers.run(move || {
            let parsed = PasswordHash::new(&stored).map_err(ServiceError::internal)?;
            Ok(Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok() && known)
        })
    }

    /// How many passwords were looked at since the start, those of unknown users among them: each takes the same work.
    pub fn looked_at(&self) -> u64 {
        self.looked_at.load(Ordering::Relaxed)
    }
}

fn hash(hasher: &Argon2<'_>, password: &str) -> Result<String, ServiceError> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(ServiceError::internal)?;
    let hashed: PasswordHash =
        hasher.hash_password_with_salt(password.as_bytes(), &salt).map_err(ServiceError::internal)?;
    Ok(hashed.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_own_hash_only_and_an_unknown_user_fits_nothing() {
        let passwords = Passwords::new(2).unwrap();
        let stored = passwords.hash("oxidised fuse holders").unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(passwords.fits("oxidised fuse holders", Some(&stored)).unwrap());
        assert!(!passwords.fits("oxidised fuse holder", Some(&stored)).unwrap());
        assert!(!passwords.fits("a password that nobody has", None).unwrap());
        let (ours, decoy) = (PasswordHash::new(&stored).unwrap(), PasswordHash::new(&passwords.decoy).unwrap());
        assert_eq!((ours.algorithm, ours.version, ours.params), (decoy.algorithm, decoy.version, decoy.params));
        assert_eq!(passwords.looked_at(), 3, "nobody's password is looked at like anybody's");
    }

    #[test]
    fn a_flood_is_turned_away_and_leaves_the_hasher_working() {
        let passwords = Passwords::new(1).unwrap();
        let answers: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..200).map(|_| scope.spawn(|| passwords.fits("a guess", None))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let busy = answers.iter().filter(|answer| matches!(answer, Err(ServiceError::Busy(_)))).count();
        let refused = answers.iter().filter(|answer| matches!(answer, Ok(false))).count();
        assert!(busy > 0 && refused > 0 && busy + refused == 200, "{busy} busy, {refused} refused");
        let stored = passwords.hash("oxidised fuse holders").unwrap();
        assert!(passwords.fits("oxidised fuse holders", Some(&stored)).unwrap());
    }
}
