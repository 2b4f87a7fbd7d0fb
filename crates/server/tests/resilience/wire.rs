//! The way between a service and its clients, on which an answer takes some time: what is on it when the service dies is
//! lost, as it is with a machine. On loopback a kill hardly ever comes between a write and its answer.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::process::Server;

/// The way to one service.
pub(crate) struct Wire {
    /// Where clients ask.
    pub(crate) base: String,
    address: String,
    is_cut: Arc<AtomicBool>,
}

impl Wire {
    /// The way to a service, from another port of this machine; an answer takes so long on it.
    pub(crate) fn to(server: &Server, way: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (is_cut, to) = (Arc::new(AtomicBool::new(false)), server.base.trim_start_matches("http://").to_owned());
        let cut = Arc::clone(&is_cut);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if cut.load(Ordering::Relaxed) {
                    return;
                }
                if let (Ok(client), Ok(server)) = (client, TcpStream::connect(&to)) {
                    carry(client, server, way, &cut);
                }
            }
        });
        Self { base: format!("http://{address}"), address, is_cut }
    }
}

impl Drop for Wire {
    /// What is on its way is lost, and nobody is let in any more.
    fn drop(&mut self) {
        self.is_cut.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(&self.address);
    }
}

/// Carries what both say, until one of them is gone.
fn carry(client: TcpStream, server: TcpStream, way: Duration, is_cut: &Arc<AtomicBool>) {
    let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    std::thread::spawn(move || pass(from, to, || false));
    let is_cut = Arc::clone(is_cut);
    std::thread::spawn(move || {
        pass(server, client, || {
            std::thread::sleep(way);
            is_cut.load(Ordering::Relaxed)
        });
    });
}

/// Passes on what comes, unless it is lost.
fn pass(mut from: TcpStream, mut to: TcpStream, is_lost: impl Fn() -> bool) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if is_lost() || to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
