//! The audit log: a JSON line for each write and for each refused call.
//!
//! The line of a finished write is in the file before its caller is answered. Lines of refused
//! calls are written by a thread of the log's own; lines beyond the speed of the disk, or beyond
//! [`REFUSALS_PER_SECOND`], are left out, and one line a second counts them.
//!
//! While the file cannot be written, lines of finished writes wait in memory, at most
//! [`MAX_QUEUED`] of them, and are written first once it can be written again; others are lost and
//! counted.

use std::collections::VecDeque;
use std::fmt::Write;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use ee_access::rate_limit::{Rate, TokenBucket};
use parking_lot::Mutex;

use crate::audit_file::AuditFile;
use crate::events::{Events, Level};
use crate::time::utc;

/// Lines that wait to be written: some 300 KiB.
const MAX_QUEUED: usize = 1024;
/// Lines a second about refused calls, beyond a burst of as many as may wait: refused callers
/// cannot fill a disk. Callers without a known token share a budget of their own, so that they hide
/// no known caller.
pub(crate) const REFUSALS_PER_SECOND: u64 = 100;
const TIME_TO_CLOSE: Duration = Duration::from_secs(2);
const WARNING_INTERVAL: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

/// The audit log.
#[derive(Debug)]
pub struct AuditLog {
    refuse: bool,
    events: Arc<Events>,
    /// Held while a line is written, which may take for ever: nobody waits for it but writers.
    state: Mutex<State>,
    failure: Mutex<Option<String>>,
    lost: AtomicU64,
    budgets: Mutex<Budgets>,
    queue: mpsc::SyncSender<Option<String>>,
    writer: Mutex<Option<thread::JoinHandle<()>>>,
}

#[derive(Debug)]
struct State {
    file: AuditFile,
    /// Lines of finished writes that are not in the file.
    unwritten: VecDeque<String>,
    /// Lines that were lost before the failure that lasts, or the last one.
    lost_before: u64,
    warned: Option<Instant>,
}

#[derive(Debug)]
struct Budgets {
    unknown: TokenBucket,
    known: TokenBucket,
    left_out: u64,
}

/// The fields of a line about a call.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) id: &'a str,
    pub(crate) principal: Option<&'a str>,
    pub(crate) peer: &'a str,
    pub(crate) method: &'a str,
    pub(crate) namespace: Option<&'a str>,
    pub(crate) code: &'a str,
    pub(crate) reason: &'a str,
}

impl AuditLog {
    /// Opens the file and starts the thread of the log. With `refuse`, writes are refused while the
    /// file cannot be written.
    pub fn open(path: PathBuf, refuse: bool, events: Arc<Events>) -> io::Result<Arc<Self>> {
        let file = AuditFile::open(path)?;
        let (queue, lines) = mpsc::sync_channel(MAX_QUEUED);
        let now = Instant::now();
        let log = Arc::new(Self {
            refuse,
            events,
            state: Mutex::new(State {
                file,
                unwritten: VecDeque::new(),
                lost_before: 0,
                warned: None,
            }),
            failure: Mutex::new(None),
            lost: AtomicU64::new(0),
            budgets: Mutex::new(Budgets {
                unknown: TokenBucket::full(rate(), now),
                known: TokenBucket::full(rate(), now),
                left_out: 0,
            }),
            queue,
            writer: Mutex::new(None),
        });
        let writer = Arc::clone(&log);
        let thread = thread::Builder::new().name("effemb-audit".to_owned());
        *log.writer.lock() = Some(thread.spawn(move || writer.write_all(&lines))?);
        Ok(log)
    }

    /// Why the file cannot be written now; `None`: it can.
    pub fn failure(&self) -> Option<String> {
        self.failure.lock().clone()
    }

    /// Why writes must be refused now; `None`: they need not.
    pub fn refusal(&self) -> Option<String> {
        if self.refuse { self.failure() } else { None }
    }

    /// Lines that are lost because the file could not be written.
    pub fn lost(&self) -> u64 {
        self.lost.load(Relaxed)
    }

    /// Writes the line of a finished write.
    pub(crate) fn write(&self, entry: &Entry<'_>) {
        self.put(entry.line(), true);
    }

    /// Queues the line of a refused call; counts it if there are too many.
    pub(crate) fn write_soon(&self, entry: &Entry<'_>) {
        let now = Instant::now();
        let mut budgets = self.budgets.lock();
        let budget = match entry.principal {
            None => &mut budgets.unknown,
            Some(_) => &mut budgets.known,
        };
        let room = budget.try_take(rate(), now).is_ok();
        if !(room && self.queue.try_send(Some(entry.line())).is_ok()) {
            budgets.left_out += 1;
        }
    }

    /// Writes the queued lines, for two seconds at most. Idempotent.
    pub fn close(&self) {
        let Some(writer) = self.writer.lock().take() else {
            return;
        };
        let end = Instant::now() + TIME_TO_CLOSE;
        while self.queue.try_send(None).is_err() && Instant::now() < end {
            thread::sleep(Duration::from_millis(5));
        }
        while !writer.is_finished() && Instant::now() < end {
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn put(&self, line: String, keep: bool) {
        let mut state = self.state.lock();
        // While the file fails only `recover` tries it again, not every line.
        if self.failure.lock().is_none() {
            state.unwritten.push_back(line);
            if !self.write_unwritten(&mut state) && !keep {
                state.unwritten.pop_back();
                self.lost.fetch_add(1, Relaxed);
            }
        } else if keep && state.unwritten.len() < MAX_QUEUED {
            state.unwritten.push_back(line);
        } else {
            self.lost.fetch_add(1, Relaxed);
        }
    }

    /// Writes the waiting lines; returns whether all are written.
    fn write_unwritten(&self, state: &mut State) -> bool {
        while let Some(line) = state.unwritten.front() {
            if let Err(error) = state.file.append(line) {
                *self.failure.lock() = Some(cause(&error));
                return false;
            }
            state.unwritten.pop_front();
        }
        if self.failure.lock().take().is_some() {
            let all = self.lost();
            let lost = all - state.lost_before;
            state.lost_before = all;
            state.warned = None;
            let message = format!("audit log failing=false lost={lost}");
            self.events.log(Level::Warning, message);
        }
        true
    }

    fn write_all(&self, lines: &mpsc::Receiver<Option<String>>) {
        let mut reported: Option<Instant> = None;
        loop {
            let line = lines.recv_timeout(SECOND);
            let ended = matches!(line, Ok(None) | Err(mpsc::RecvTimeoutError::Disconnected));
            let idle = line.is_err();
            if let Ok(Some(line)) = line {
                self.put(line, false);
            }
            let now = Instant::now();
            let due = reported.is_none_or(|last| now - last >= SECOND);
            if ended || idle || due {
                reported = Some(now);
                let left_out = std::mem::take(&mut self.budgets.lock().left_out);
                if left_out > 0 {
                    self.put(counted("left_out_at_least", left_out), false);
                }
            }
            self.recover(now);
            if ended {
                return;
            }
        }
    }

    /// Tries again while the file cannot be written, and warns once a minute.
    fn recover(&self, now: Instant) {
        if self.failure.lock().is_none() {
            return;
        }
        let mut state = self.state.lock();
        let lost = self.lost() - state.lost_before;
        state.unwritten.push_back(counted("lost", lost));
        if self.write_unwritten(&mut state) {
            return;
        }
        state.unwritten.pop_back();
        if state
            .warned
            .is_none_or(|last| now - last >= WARNING_INTERVAL)
        {
            state.warned = Some(now);
            let reason = self.failure().unwrap_or_default();
            let lost = self.lost();
            let message = format!("audit log failing=true reason='{reason}' lost={lost}");
            self.events.log(Level::Error, message);
        }
    }
}

impl Entry<'_> {
    fn line(&self) -> String {
        let mut line = String::with_capacity(256);
        begin(&mut line);
        for (name, value) in [
            ("id", Some(self.id)),
            ("principal", self.principal),
            ("peer", Some(self.peer)),
            ("method", Some(self.method)),
            ("namespace", self.namespace),
            ("code", Some(self.code)),
            (
                "reason",
                Some(self.reason).filter(|reason| !reason.is_empty()),
            ),
        ] {
            if let Some(value) = value {
                line.push_str(", \"");
                line.push_str(name);
                line.push_str("\": ");
                quoted(&mut line, value);
            }
        }
        line.push('}');
        line
    }
}

fn rate() -> Rate {
    Rate::new(REFUSALS_PER_SECOND as f64, MAX_QUEUED as f64)
}

fn counted(name: &str, count: u64) -> String {
    let mut line = String::new();
    begin(&mut line);
    let _ = write!(line, ", \"{name}\": {count}}}");
    line
}

fn begin(line: &mut String) {
    line.push_str("{\"time\": ");
    quoted(line, &utc(SystemTime::now()));
}

/// Appends a text as JSON, in ASCII, so that hostile content stays one line for every reader.
fn quoted(line: &mut String, text: &str) {
    line.push('"');
    let mut units = [0; 2];
    for each in text.chars() {
        match each {
            '"' | '\\' => line.extend(['\\', each]),
            ' '..='~' => line.push(each),
            _ => {
                for unit in each.encode_utf16(&mut units) {
                    let _ = write!(line, "\\u{unit:04x}");
                }
            }
        }
    }
    line.push('"');
}

/// The error's text without the number that Rust adds.
fn cause(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error")
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_ascii_json_whatever_the_caller_sent() {
        let entry = Entry {
            id: "1f",
            principal: None,
            peer: "ipv4:127.0.0.1:1",
            method: "Assign",
            namespace: Some("a\"\\\n\u{2028}😀"),
            code: "OK",
            reason: "",
        };
        let line = entry.line();
        let rest = line.split_once("Z\", ").unwrap().1;
        let expected = "\"id\": \"1f\", \"peer\": \"ipv4:127.0.0.1:1\", \"method\": \"Assign\", \
             \"namespace\": \"a\\\"\\\\\\u000a\\u2028\\ud83d\\ude00\", \"code\": \"OK\"}";
        assert_eq!(rest, expected);
    }

    #[test]
    fn a_failure_is_logged_once_a_minute() {
        let folder = std::env::temp_dir().join(format!("ee-audit-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("audit");
        std::os::unix::fs::symlink("/dev/full", &path).unwrap();
        let events = Arc::new(Events::default());
        let log = AuditLog::open(path.clone(), true, Arc::clone(&events)).unwrap();
        // Its thread ends: the test says what time it is.
        log.close();
        log.put(counted("number", 1), true);
        assert_eq!(log.refusal().as_deref(), Some("No space left on device"));
        let logged = |text: &str| {
            let taken = events.take(Duration::ZERO).unwrap_or_default();
            let lines = taken.iter().filter(|event| match event {
                crate::events::Event::Log(_, line) => line.contains(text),
                crate::events::Event::Span(_) => false,
            });
            lines.count()
        };
        let begin = Instant::now();
        for seconds in (0..180).step_by(10) {
            log.recover(begin + Duration::from_secs(seconds));
        }
        assert_eq!(logged("failing=true"), 3);
        std::fs::remove_file(&path).unwrap();
        log.recover(begin + Duration::from_secs(200));
        assert_eq!(logged("failing=false"), 1);
        assert_eq!(log.failure(), None);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
