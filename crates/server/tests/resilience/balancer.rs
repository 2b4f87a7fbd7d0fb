//! Two services behind haproxy, with the configuration that is shipped, one of them killed in turn.

use std::net::TcpListener;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use eureka_testkit::TestDatabase;

use crate::process::{Server, eureka};
use crate::witness::Witnesses;
use crate::{all_holds, long, tools};

/// The balancer; it ends when dropped.
struct Balancer {
    child: Child,
    base: String,
}

impl Balancer {
    /// Starts haproxy before two ports of this machine; `None`, said aloud, where it is not installed.
    fn before(ports: [u16; 2], folder: &std::path::Path) -> Option<Self> {
        let shipped = include_str!("../../../../deploy/haproxy.cfg");
        let port = free_port();
        let mut text = shipped.replace("bind :8080", &format!("bind 127.0.0.1:{port}"));
        for (name, port) in ["one", "two"].into_iter().zip(ports) {
            text = text.replace(&format!("{name}:8080"), &format!("127.0.0.1:{port}"));
        }
        assert!(!text.contains(":8080"), "the shipped configuration has other names: {text}");
        let path = folder.join("haproxy.cfg");
        std::fs::write(&path, text).unwrap();
        if !tools::has("haproxy") {
            return None;
        }
        let path_of_programs = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
        let mut haproxy = Command::new("haproxy");
        let child = haproxy.env("PATH", path_of_programs).arg("-db").arg("-f").arg(path).spawn().unwrap();
        let balancer = Self { child, base: format!("http://127.0.0.1:{port}") };
        balancer.wait();
        Some(balancer)
    }

    fn wait(&self) {
        let begun = Instant::now();
        while !ureq::get(format!("{}/health/ready", self.base)).call().is_ok_and(|reply| reply.status() == 200) {
            assert!(begun.elapsed() < Duration::from_secs(20), "haproxy does not find the services");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn behind_the_shipped_balancer_a_killed_replica_is_missed_by_nobody_who_asks_again() {
    let Some(database) = TestDatabase::empty_postgres() else { return };
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    let ports = [free_port(), free_port()];
    let names = ["one", "two"];
    let start = |place: usize| {
        let mut command = eureka(&folder.path().join(names[place]), &["demo", "--keys", keys.to_str().unwrap()]);
        command.env("DATABASE_URL", database.url());
        Server::start_at(command, ports[place])
    };
    let mut servers = [start(0), start(1)];
    let Some(balancer) = Balancer::before(ports, folder.path()) else { return };
    let witnesses = Witnesses::of(&servers[0]);
    witnesses.are_at(vec![balancer.base.clone()]);
    let (kills, pause) = if long() { (10, 20) } else { (2, 3) };
    witnesses.working(|| {
        for round in 0..kills {
            std::thread::sleep(Duration::from_secs(pause));
            let place = round % 2;
            servers[place].signal("KILL");
            servers[place].child.wait().unwrap();
            servers[place] = start(place);
        }
        std::thread::sleep(Duration::from_secs(pause));
    });
    println!("{kills} kills, {} answers, {} asked for again", witnesses.answers(), witnesses.asked_again().len());
    assert_eq!(witnesses.faults(), Vec::<String>::new());
    drop(balancer);
    for server in servers {
        server.stop();
    }
    for name in names {
        all_holds(&folder.path().join(name), Some(database.url()));
    }
}
