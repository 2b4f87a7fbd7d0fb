//! Clients that mean harm, or behave as if they did: slow ones in hundreds, bodies that are small to send and great to read,
//! guessers of passwords. Whoever searches beside them is answered, and the memory stays what it was.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::process::{PASSWORD, Server, eureka};
use crate::{all_holds, long};

/// How much more memory the service may come to hold, in kB: a tenth of what the bomb would take.
const GROWTH: u64 = 64 << 10;

/// What the process holds, in kB, and the most it ever held.
fn memory(server: &Server) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let figure = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    };
    (figure("VmRSS:"), figure("VmHWM:"))
}

/// Longest that a search beside all this may take, on a machine that has other work too.
const LONGEST: Duration = Duration::from_secs(5);

/// How long the service waits for a head, and for a body that does not come.
const HEAD: Duration = Duration::from_secs(5);
const BODY: Duration = Duration::from_secs(10);
/// How much longer that may come to on a machine that has other work too.
const SLACK: Duration = Duration::from_secs(20);

/// Searches all the while, each answered with hits; how many there were, and the longest any took.
fn searches_beside<T>(server: &Server, token: &str, meanwhile: impl FnOnce() -> T) -> (T, usize, Duration) {
    struct Done<'d>(&'d AtomicBool);
    impl Drop for Done<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let searcher = scope.spawn(|| {
            let (mut count, mut longest) = (0, Duration::ZERO);
            while !done.load(Ordering::Relaxed) {
                let begun = Instant::now();
                let (status, body) = server.get("/v1/search?q=3396", token);
                assert!(status == 200 && !body["items"].as_array().unwrap().is_empty(), "{status} {body}");
                longest = longest.max(begun.elapsed());
                count += 1;
                std::thread::sleep(Duration::from_millis(5));
            }
            (count, longest)
        });
        let end = Done(&done);
        let value = meanwhile();
        drop(end);
        let (count, longest) = searcher.join().unwrap();
        (value, count, longest)
    })
}

/// A client that takes its time.
struct Slow {
    stream: TcpStream,
    /// What it sends, a byte at a time; none: it only does not read what it has asked for.
    trickle: Option<u8>,
    heard: String,
    is_over: bool,
    begun: Instant,
    /// How long it was waited for, once it is not any more.
    waited_for: Option<Duration>,
}

impl Slow {
    fn new(address: &str, first: &str, trickle: Option<u8>) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(first.as_bytes()).unwrap();
        stream.set_nonblocking(true).unwrap();
        Self { stream, trickle, heard: String::new(), is_over: false, begun: Instant::now(), waited_for: None }
    }

    fn is_given_up(&self) -> bool {
        self.is_over || self.heard.contains(" 408 ")
    }

    /// Sends its next byte, and hears what it was told, unless it is one that does not.
    fn go_on(&mut self) {
        let Some(byte) = self.trickle.filter(|_| !self.is_over) else { return };
        let mut told = [0; 4096];
        match self.stream.read(&mut told) {
            Ok(0) => self.is_over = true,
            Ok(count) => self.heard.push_str(&String::from_utf8_lossy(&told[..count])),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => self.is_over = true,
        }
        self.is_over |= self.stream.write(&[byte]).is_err_and(|error| error.kind() != std::io::ErrorKind::WouldBlock);
        if self.is_given_up() && self.waited_for.is_none() {
            self.waited_for = Some(self.begun.elapsed());
        }
    }
}

/// The control: a server of the same framework that gives up on nobody. Where it listens; it ends with the trial's process.
fn bare_server() -> String {
    use actix_web::{App, HttpResponse, HttpServer, web};
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async {
            let file = web::Bytes::from(vec![b'x'; 3 << 19]);
            let app = move || {
                let file = file.clone();
                App::new()
                    .route("/file", web::get().to(move || std::future::ready(HttpResponse::Ok().body(file.clone()))))
                    .route("/body", web::post().to(|body: web::Bytes| std::future::ready(format!("{}", body.len()))))
            };
            let server = HttpServer::new(app).workers(1).client_request_timeout(Duration::ZERO);
            let server = server.keep_alive(Duration::from_hours(1)).bind("127.0.0.1:0").unwrap();
            tell.send(server.addrs()[0].to_string()).unwrap();
            server.disable_signals().run().await.unwrap();
        });
    });
    told.recv().unwrap()
}

/// Clients of the control, three of each kind.
fn slow_at_bare(address: &str) -> [Vec<Slow>; 3] {
    let file = "GET /file HTTP/1.1\r\nHost: x\r\n";
    let unread = format!("{}{file}Connection: close\r\n\r\n", format!("{file}\r\n").repeat(19));
    let body = "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n{";
    let three = |first: &str, trickle| (0..3).map(|_| Slow::new(address, first, trickle)).collect();
    [three("GET /file HTTP/1.1\r\nX: ", Some(b'x')), three(body, Some(b' ')), three(&unread, None)]
}

/// What comes when a client that did not read begins to: how many bytes, until the end or the break of the connection.
fn left_to_read(slow: &mut Slow) -> usize {
    slow.stream.set_nonblocking(false).unwrap();
    slow.stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let (mut told, mut bytes) = (vec![0; 1 << 20], 0);
    loop {
        match slow.stream.read(&mut told) {
            Ok(0) => return bytes,
            Ok(count) => bytes += count,
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "it is still waited for");
                return bytes;
            }
        }
    }
}

#[test]
#[ignore = "a long trial: `make resilience` runs it"]
fn beside_five_hundred_slow_clients_every_search_is_answered_and_the_memory_stays() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(eureka(folder.path(), &["demo"]));
    let token = server.log_in("technician@demo.example", PASSWORD);
    let body = format!(
        "POST /v1/tips HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: 9000\r\n\r\n{{"
    );
    // Twenty files of more than a megabyte each, asked for at once and not read.
    let unread = "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n".repeat(20);
    searches_beside(&server, &token, || std::thread::sleep(Duration::from_secs(1)));
    let (before, _) = memory(&server);
    let (least, most) = (Duration::from_secs(if long() { 120 } else { 45 }), Duration::from_mins(3));
    let address = server.base.trim_start_matches("http://");
    let mut control = slow_at_bare(&bare_server());
    let (mut slow, searches, longest) = searches_beside(&server, &token, || {
        let mut slow: Vec<Slow> = (0..500)
            .map(|client| match client % 3 {
                0 => Slow::new(address, "GET /v1/search?q=3396 HTTP/1.1\r\nX: ", Some(b'x')),
                1 => Slow::new(address, &body, Some(b' ')),
                _ => Slow::new(address, &unread, None),
            })
            .collect();
        let begun = Instant::now();
        let is_waited_for = |slow: &[Slow]| slow.iter().any(|slow| slow.trickle.is_some() && !slow.is_given_up());
        while begun.elapsed() < least || (is_waited_for(&slow) && begun.elapsed() < most) {
            slow.iter_mut().chain(control.iter_mut().flatten()).for_each(Slow::go_on);
            std::thread::sleep(Duration::from_millis(500));
        }
        slow
    });
    let waited_for = |place: usize| -> Vec<Duration> {
        let kind = slow.iter().skip(place).step_by(3);
        kind.map(|slow| slow.waited_for.expect("slow heads and bodies are not waited for")).collect()
    };
    let (heads, bodies) = (waited_for(0), waited_for(1));
    let (head, body) = (heads.iter().max().unwrap(), bodies.iter().max().unwrap());
    assert!(*head < HEAD + SLACK && *body < BODY + SLACK, "heads were waited for {head:?}, bodies {body:?}");
    assert!(longest < LONGEST, "a search took {longest:?}");
    let (meanwhile, most) = memory(&server);
    let whole = 20 << 20;
    let read: Vec<usize> = slow.iter_mut().skip(2).step_by(3).map(left_to_read).collect();
    assert!(read.iter().all(|bytes| *bytes < whole), "what is not taken is not kept: {read:?}");
    let [heads_at_bare, bodies_at_bare, unread_at_bare] = &mut control;
    let given_up = heads_at_bare.iter().chain(bodies_at_bare.iter()).filter(|slow| slow.is_given_up()).count();
    let read_at_bare: Vec<usize> = unread_at_bare.iter_mut().map(left_to_read).collect();
    println!(
        "control: a server without bounds gave up on {given_up} of 6, and sent {read_at_bare:?} bytes to who reads at last"
    );
    assert!(
        given_up == 0 && read_at_bare.iter().all(|bytes| *bytes >= whole),
        "the trial takes any server for this one"
    );
    println!(
        "{} slow heads given up after {head:?} at most, {} slow bodies after {body:?}, and {} that did not read; {searches} \
         searches beside them, the longest {longest:?}; {before} kB before, {meanwhile} after, {most} at most",
        heads.len(),
        bodies.len(),
        read.len()
    );
    assert!(most < before + GROWTH + (128 << 10), "{before} kB before, {most} at most");
    assert_eq!(server.get("/health/ready", "").0, 200);
    server.stop();
    all_holds(folder.path(), None);
}

/// Sends a body, and hears the status: what is refused unread is answered before the last byte is sent.
fn send(server: &Server, token: &str, headers: &str, body: &[u8]) -> u16 {
    let mut stream = TcpStream::connect(server.base.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = format!(
        "POST /v1/tips HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
    let mut told = [0; 12];
    stream.read_exact(&mut told).unwrap();
    std::str::from_utf8(&told[9..]).unwrap().parse().unwrap()
}

#[test]
fn bodies_that_are_small_to_send_and_great_to_read_are_refused_and_cost_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(eureka(folder.path(), &["demo"]));
    let token = server.log_in("technician@demo.example", PASSWORD);
    let json = "Content-Type: application/json\r\n";
    let file = folder.path().join("bomb");
    let shell = |script: &str| {
        let output = Command::new("sh").arg("-c").arg(script).arg("sh").arg(&file).output().unwrap();
        assert!(output.status.success(), "{script}");
        String::from_utf8(output.stdout).unwrap()
    };
    shell("head -c 671088640 /dev/zero | gzip -9 > \"$1\"");
    let bomb = std::fs::read(&file).unwrap();
    // The control: whoever unpacks it holds ten times what the service may grow by.
    let unpacked: u64 = shell("gzip -dc < \"$1\" | wc -c").trim().parse().unwrap();
    assert!(bomb.len() < 1 << 20 && unpacked >= 10 * 1024 * GROWTH, "{} bytes, {unpacked} unpacked", bomb.len());

    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let in_field = format!(r#"{{"title":{deep}}}"#);
    let keys = (0..10_000).fold("{".to_owned(), |mut all, key| {
        let _ = write!(all, "\"k{key}\":0,");
        all
    }) + "\"title\":\"x\"}";
    let part = "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n1\r\n";
    let parts = format!("{}--b--\r\n", part.repeat(10_000));
    let (before, _) = memory(&server);
    let ((), searches, longest) = searches_beside(&server, &token, || {
        for _ in 0..if long() { 50 } else { 3 } {
            assert_eq!(send(&server, &token, &format!("{json}Content-Encoding: gzip\r\n"), &bomb), 415);
            for body in [&deep, &in_field, &keys] {
                assert_eq!(send(&server, &token, json, body.as_bytes()), 400);
            }
            assert_eq!(
                send(&server, &token, "Content-Type: multipart/form-data; boundary=b\r\n", parts.as_bytes()),
                415
            );
        }
    });
    let query = format!("/v1/search?q=x{}", "&k=1".repeat(10_000));
    assert!([400, 414, 431].contains(&server.get(&query, &token).0));
    let (after, most) = memory(&server);
    println!("{searches} searches, the longest {longest:?}; {before} kB before, {after} after, {most} at most");
    assert!(most < before + GROWTH, "{before} kB before, {most} at most");
    assert!(longest < LONGEST, "a search took {longest:?}");
    server.stop();
    all_holds(folder.path(), None);
}

#[test]
#[ignore = "a long trial: `make resilience` runs it"]
fn a_flood_of_guesses_is_turned_away_and_searches_beside_it_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    // Whoever says that they pass a guess on is believed about whose it is.
    let server = Server::start(eureka(folder.path(), &["demo", "--trusted-proxy", "127.0.0.0/8"]));
    let token = server.log_in("technician@demo.example", PASSWORD);
    let (before, _) = memory(&server);
    let (told, searches, longest) = searches_beside(&server, &token, || {
        guesses(&server, 10, |guesser, turn| {
            let is_at_one = turn.is_multiple_of(2);
            let email = if is_at_one { "reviewer".to_owned() } else { format!("nobody-{guesser}-{turn}") };
            (email, "192.0.2.1".to_owned())
        })
    });
    let count = |status: u16| told.iter().filter(|got| **got == status).count();
    let (wrong, throttled, busy) = (count(401), count(429), count(503));
    println!("{wrong} looked at, {throttled} throttled, {busy} busy; {searches} searches, the longest {longest:?}");
    assert_eq!((told.len(), wrong + throttled + busy), (320, 320), "{told:?}");
    // A hundred from one address, and as many more as seconds allow.
    assert!(wrong <= 130 && throttled > 0, "{wrong} guesses were looked at, {throttled} refused");
    assert!(longest < LONGEST, "a search took {longest:?}");
    let (_, most) = memory(&server);
    assert!(most < before + 2 * GROWTH, "{before} kB before, {most} at most");

    // The control: guesses that come from another address each, at another account, are more than were looked at, and none of
    // them is turned away: it is the counting that does it.
    let told =
        guesses(&server, 5, |guesser, turn| (format!("stranger-{guesser}-{turn}"), format!("198.51.{guesser}.{turn}")));
    let count = |status: u16| told.iter().filter(|got| **got == status).count();
    println!(
        "control: of {} guesses from as many addresses {} were looked at, {} busy",
        told.len(),
        count(401),
        count(503)
    );
    assert_eq!((count(429), count(401) + count(503)), (0, 160), "{told:?}");
    server.stop();
    all_holds(folder.path(), None);
}

/// What guesses at passwords are told: by 32 guessers at once, so many of each, at an account and from an address.
fn guesses(server: &Server, each: usize, of: impl Fn(usize, usize) -> (String, String) + Sync) -> Vec<u16> {
    let guess = |guesser: usize, turn: usize| {
        let (account, address) = of(guesser, turn);
        let login = serde_json::json!({
            "email": format!("{account}@demo.example"), "password": format!("guess {guesser} {turn}")
        });
        let request = ureq::post(format!("{}/v1/auth/login", server.base)).config().http_status_as_error(false).build();
        let request = request.header("Content-Type", "application/json").header("X-Forwarded-For", address);
        request.send(login.to_string()).unwrap().status().as_u16()
    };
    let guess = &guess;
    std::thread::scope(|scope| {
        let guessers: Vec<_> = (0..32)
            .map(|guesser| scope.spawn(move || (0..each).map(|turn| guess(guesser, turn)).collect::<Vec<_>>()))
            .collect();
        guessers.into_iter().flat_map(|guesser| guesser.join().unwrap()).collect()
    })
}
