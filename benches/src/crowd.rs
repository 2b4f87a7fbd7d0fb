//! Many connections on one thread, so that whoever asks takes little of the cores that the server is measured on.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::client::{get, odd};

/// How long the thread sleeps between looks at the clock while a request is due soon.
const NAP: Duration = Duration::from_micros(100);

/// Bytes read at once.
const ROOM: usize = 16 * 1024;

/// When requests start.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// On each connection as soon as the reply before has come (a closed loop).
    Closed,
    /// So many a second, whether or not earlier ones have come back (an open loop), as long as there are connections.
    Open(f64),
}

/// Connections of which each asks for one thing at a time.
pub struct Crowd {
    poll: Poll,
    connections: Vec<Connection>,
}

struct Connection {
    stream: TcpStream,
    /// What has come of a head that did not come at once.
    begun: Vec<u8>,
    /// What is known of the reply by its head.
    head: Option<Head>,
    due: Instant,
}

/// A reply in time, or the refusal to give one.
#[derive(Debug, Clone, Copy)]
pub struct Answered {
    /// What was answered.
    pub status: u16,
    /// Whether it says when to ask again (`Retry-After`).
    pub says_when: bool,
    /// Since the request was due.
    pub took: Duration,
}

impl Crowd {
    /// Connects so often.
    ///
    /// # Errors
    ///
    /// When nobody listens.
    pub fn connect(address: SocketAddr, connections: usize) -> std::io::Result<Self> {
        let poll = Poll::new()?;
        let connect = |place| {
            let stream = std::net::TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(place), Interest::READABLE)?;
            Ok(Connection { stream, begun: Vec::new(), head: None, due: Instant::now() })
        };
        let connections = (0..connections).map(connect).collect::<std::io::Result<_>>()?;
        Ok(Self { poll, connections })
    }

    /// Asks for a while for one path after the other, over and over; what was answered by the end of it.
    ///
    /// # Errors
    ///
    /// When a connection ends or a reply is none that a server of ours gives.
    pub fn ask(
        mut self,
        paths: &[String],
        token: Option<&str>,
        pace: Pace,
        duration: Duration,
    ) -> std::io::Result<Vec<Answered>> {
        let requests = paths.iter().map(|path| get(path, token)).collect::<Vec<_>>();
        let mut idle = (0..self.connections.len()).rev().collect::<Vec<_>>();
        let (mut events, mut answered, mut asked) = (Events::with_capacity(256), Vec::new(), 0_u32);
        let mut room = vec![0; ROOM];
        let begun = Instant::now();
        while begun.elapsed() < duration {
            let due = |asked: u32| match pace {
                Pace::Closed => Instant::now(),
                Pace::Open(rate) => begun + Duration::from_secs_f64(f64::from(asked) / rate),
            };
            while due(asked) <= Instant::now()
                && let Some(place) = idle.pop()
            {
                let connection = &mut self.connections[place];
                connection.due = due(asked);
                connection.stream.write_all(&requests[asked as usize % requests.len()])?;
                asked += 1;
            }
            if idle.is_empty() {
                self.poll.poll(&mut events, Some(NAP * 10))?;
            } else {
                std::thread::sleep(NAP.min(due(asked).saturating_duration_since(Instant::now())));
                self.poll.poll(&mut events, Some(Duration::ZERO))?;
            }
            for event in &events {
                let Token(place) = event.token();
                if let Some(Head { status, says_when, .. }) = self.connections[place].read(&mut room)? {
                    answered.push(Answered { status, says_when, took: self.connections[place].due.elapsed() });
                    idle.push(place);
                }
            }
        }
        Ok(answered)
    }
}

impl Connection {
    /// Reads what is there into `room`, which all connections share: what none of them keeps takes no cache from the server.
    /// The head, once the reply is whole.
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<Option<Head>> {
        loop {
            let read = match self.stream.read(room) {
                Ok(0) => return Err(odd()),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            };
            if let Some(head) = &mut self.head {
                head.left = head.left.checked_sub(read).ok_or_else(odd)?;
            } else if self.begun.is_empty() {
                self.head = head(&room[..read])?;
                if self.head.is_none() {
                    self.begun.extend_from_slice(&room[..read]);
                }
            } else {
                self.begun.extend_from_slice(&room[..read]);
                self.head = head(&self.begun)?;
            }
            if let Some(head) = self.head.take_if(|head| head.left == 0) {
                self.begun.clear();
                return Ok(Some(head));
            }
        }
    }
}

/// What a measurement needs of a reply's head.
struct Head {
    status: u16,
    says_when: bool,
    /// Bytes of the body that have not come yet.
    left: usize,
}

/// The head of a reply, if all of that is there.
fn head(reply: &[u8]) -> std::io::Result<Option<Head>> {
    let Some(end) = reply.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&reply[..end]).map_err(|_| odd())?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).ok_or_else(odd)?;
    let header = |wanted: &str| {
        let mut headers = lines.clone().filter_map(|line| line.split_once(": "));
        headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value)
    };
    let length = header("content-length").and_then(|length| length.parse::<usize>().ok()).ok_or_else(odd)?;
    let says_when = header("retry-after").is_some_and(|seconds| seconds.parse::<u64>().is_ok());
    let left = (end + 4 + length).checked_sub(reply.len()).ok_or_else(odd)?;
    Ok(Some(Head { status, says_when, left }))
}
