//! How long things took, sorted.

use std::time::Duration;

/// Times in rising order.
#[derive(Debug, Clone)]
pub struct Times(Vec<Duration>);

impl Times {
    /// Sorts them.
    pub fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// What so many of a thousand stay below; zero when there are none.
    pub fn below(&self, thousandths: usize) -> Duration {
        let place = self.0.len() * thousandths / 1000;
        self.0.get(place.min(self.0.len().saturating_sub(1))).copied().unwrap_or_default()
    }

    /// The median.
    pub fn p50(&self) -> Duration {
        self.below(500)
    }

    /// What 99 of 100 stay below.
    pub fn p99(&self) -> Duration {
        self.below(990)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A time in microseconds.
pub fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// What a process has spent so far, in user mode and in the kernel. What else the machine does hardly shows in it.
pub fn processor_time(process: u32) -> Duration {
    /// The kernel tells these times in hundredths of a second.
    const TICK: Duration = Duration::from_millis(10);
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    let ticks = fields.skip(11).take(2).filter_map(|field| field.parse::<u32>().ok()).sum::<u32>();
    TICK * ticks
}

/// What a process has resident, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// All of it.
    pub all: u64,
    /// Of that, what does not come from files.
    pub own: u64,
}

impl Memory {
    /// As the kernel tells it now.
    pub fn of(process: u32) -> Self {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kb = line.and_then(|line| line.split_whitespace().next()).and_then(|word| word.parse::<u64>().ok());
            kb.unwrap_or_default() * 1024
        };
        Self { all: field("VmRSS:"), own: field("RssAnon:") }
    }
}
