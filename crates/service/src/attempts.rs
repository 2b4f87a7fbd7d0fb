//! Guessing passwords: how often may be tried by account, by address and altogether, counted in the database, so that
//! replicas count together. An attempt is counted before the password is looked at, and given back when it was the right
//! one; an account that does not exist is counted like any other.

use chrono::Duration;
use eureka_domain::Instant;
use eureka_domain::rate::Rate;
use eureka_domain::user::User;
use eureka_store::{Conn, throttles};

use crate::tokens::secret_hash;
use crate::{Service, ServiceError};

/// Ten at once, and one more a minute: a person mistypes less, and a guesser gets nowhere.
const OF_ACCOUNT: Rate = Rate::new(10, Duration::minutes(1));
/// From one address there may be a whole office.
const OF_ADDRESS: Rate = Rate::new(100, Duration::seconds(3));
/// Altogether: what many addresses try on many accounts.
const OF_ALL: Rate = Rate::new(3000, Duration::milliseconds(50));

/// An attempt to prove who one is with a password.
pub(crate) struct Attempt(Vec<(String, Rate)>);

impl Attempt {
    /// To log in with this address of mail, from this network address (a prefix of it).
    pub(crate) fn to_log_in(email: &str, from: &str) -> Self {
        Self(vec![(account(email), OF_ACCOUNT), (format!("address:{from}"), OF_ADDRESS), ("all".to_owned(), OF_ALL)])
    }

    /// To change one's own password, by the present one.
    pub(crate) fn of_user(user: &User) -> Self {
        Self(vec![(account_of(user), OF_ACCOUNT)])
    }

    /// It was the right password: the account starts anew, and nobody else has lost anything.
    pub(crate) fn succeeded(&self, conn: &mut Conn<'_>, now: Instant) -> Result<(), ServiceError> {
        for (place, (subject, rate)) in self.0.iter().enumerate() {
            match throttles::find(conn, subject)?.map(|full_at| rate.give_back(full_at)) {
                Some(full_at) if place > 0 && full_at > now => throttles::set(conn, subject, full_at)?,
                _ => throttles::remove(conn, subject)?,
            }
        }
        Ok(())
    }

    /// Nobody looked at the password after all: the attempt counts no longer.
    fn take_back(&self, conn: &mut Conn<'_>) -> Result<(), ServiceError> {
        for (subject, rate) in &self.0 {
            if let Some(full_at) = throttles::find(conn, subject)? {
                throttles::set(conn, subject, rate.give_back(full_at))?;
            }
        }
        Ok(())
    }

    fn check(&self, conn: &mut Conn<'_>, now: Instant) -> Result<Vec<Instant>, ServiceError> {
        let mut taken = Vec::with_capacity(self.0.len());
        for (subject, rate) in &self.0 {
            let next = rate.take(throttles::find(conn, subject)?, now);
            taken.push(next.map_err(|wait| ServiceError::Throttled { wait })?);
        }
        Ok(taken)
    }

    fn count(&self, conn: &mut Conn<'_>, now: Instant) -> Result<(), ServiceError> {
        for ((subject, _), full_at) in self.0.iter().zip(self.check(conn, now)?) {
            throttles::set(conn, subject, full_at)?;
        }
        Ok(())
    }
}

/// How an account is counted: by a hash, since what is typed into a login form is anything.
fn account(email: &str) -> String {
    format!("account:{}", secret_hash(email))
}

/// How the account of a person is counted.
pub(crate) fn account_of(user: &User) -> String {
    account(&user.email.clone().unwrap_or_else(|| user.id.to_string()))
}

impl Service {
    /// Counts an attempt, or refuses it. A flood is refused by a read: it does not reach the writer.
    pub(crate) fn begin_attempt(&self, attempt: Attempt) -> Result<Attempt, ServiceError> {
        let now = self.clock.now();
        self.store.read(|conn| attempt.check(conn, now))?;
        let written = self.store.write(move |conn| attempt.count(conn, now).map(|()| attempt))?;
        Ok(written.value)
    }

    /// What came of looking at the password; where it could not be looked at, the attempt is taken back.
    pub(crate) fn looked_at<T>(
        &self,
        attempt: Attempt,
        found: Result<T, ServiceError>,
    ) -> Result<(Attempt, T), ServiceError> {
        match found {
            Ok(found) => Ok((attempt, found)),
            Err(error) => {
                self.store.write(move |conn| attempt.take_back(conn))?;
                Err(error)
            }
        }
    }
}
