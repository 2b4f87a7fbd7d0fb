//! Password hashing: argon2id with 19 MiB and two passes (OWASP Password Storage Cheat Sheet), at most one hash a core
//! at once, so that a flood of logins cannot take the memory or the processors from everyone else.

use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use parking_lot::{Condvar, Mutex};

use crate::ServiceError;

/// How long a login waits for its turn.
const PATIENCE: Duration = Duration::from_secs(3);
/// How many may wait for their turn.
const QUEUE: usize = 64;

/// Hashes and checks passwords.
pub struct Passwords {
    turns: Mutex<Turns>,
    freed: Condvar,
    /// Checked in place of the hash of an unknown user, so that both take the same time.
    decoy: String,
}

struct Turns {
    free: usize,
    waiting: usize,
}

impl Passwords {
    /// A hasher that runs at most `at_once` hashes at the same time.
    pub fn new(at_once: usize) -> Result<Self, ServiceError> {
        Ok(Self {
            turns: Mutex::new(Turns { free: at_once.max(1), waiting: 0 }),
            freed: Condvar::new(),
            decoy: hash("a password that nobody has")?,
        })
    }

    /// The PHC string to keep for a password.
    pub fn hash(&self, password: &str) -> Result<String, ServiceError> {
        let _turn = self.take_turn()?;
        hash(password)
    }

    /// Whether a password fits the stored hash; takes as long when there is none.
    pub fn fits(&self, password: &str, stored: Option<&str>) -> Result<bool, ServiceError> {
        let _turn = self.take_turn()?;
        let parsed = PasswordHash::new(stored.unwrap_or(&self.decoy)).map_err(ServiceError::internal)?;
        let fits = Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
        Ok(fits && stored.is_some())
    }

    fn take_turn(&self) -> Result<Turn<'_>, ServiceError> {
        let mut turns = self.turns.lock();
        if turns.free == 0 {
            if turns.waiting >= QUEUE {
                return Err(ServiceError::Busy("too many logins at once"));
            }
            turns.waiting += 1;
            let waited = self.freed.wait_while_for(&mut turns, |turns| turns.free == 0, PATIENCE);
            turns.waiting -= 1;
            if waited.timed_out() && turns.free == 0 {
                return Err(ServiceError::Busy("too many logins at once"));
            }
        }
        turns.free -= 1;
        Ok(Turn(self))
    }
}

struct Turn<'p>(&'p Passwords);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.turns.lock().free += 1;
        self.0.freed.notify_one();
    }
}

fn hash(password: &str) -> Result<String, ServiceError> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(ServiceError::internal)?;
    let hashed: PasswordHash =
        Argon2::default().hash_password_with_salt(password.as_bytes(), &salt).map_err(ServiceError::internal)?;
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
    }
}
