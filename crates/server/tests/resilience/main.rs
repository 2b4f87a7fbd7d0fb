//! What is promised of crashes, power cuts, failing and full disks, damage, harmful clients, clocks that jump and of upkeep
//! under work, each tried on the binary itself. Where it can be had, an experiment has a control: the same trial of
//! something that must fail it; the others fail where nothing was put in the way. `EUREKA_RESILIENCE=long` makes the long
//! ones (`make resilience`); `docs/resiliency.md` has the promises beside these tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test that stops has failed; a trial asks the environment how long it may be, and a database of its own"
)]

mod asking;
mod balancer;
mod clock;
mod damage;
mod disk;
mod faults;
mod hostile;
mod judge;
mod log;
mod power;
#[path = "../process/mod.rs"]
mod process;
mod readiness;
mod replicas;
mod standby;
mod storm;
mod tools;
mod upkeep;
mod wire;
mod witness;

use std::path::Path;

use process::{eureka, stderr, stdout};

/// Whether there is time.
pub(crate) fn long() -> bool {
    std::env::var("EUREKA_RESILIENCE").is_ok_and(|word| word == "long")
}

/// Index and database agree, and so does the chain.
pub(crate) fn all_holds(data: &Path, database: Option<&str>) {
    for check in [["index", "verify"], ["audit", "verify"]] {
        let mut command = eureka(data, &check);
        if let Some(url) = database {
            command.env("DATABASE_URL", url);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{check:?}: {}{}", stdout(&output), stderr(&output));
    }
}
