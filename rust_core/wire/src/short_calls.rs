//! Calls that wait for nothing and take microseconds, for the threads on which other callers wait.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use ee_access::Status;
use ee_access::grant::Grant;
use ee_core::parallel;

use crate::panic_guard::guard;
use crate::service::Service;
use crate::table::{Entry, Handler, Short};

/// Largest request, in bytes, that is decoded in microseconds.
const SHORT_BYTES: usize = 96 << 10;

/// Calls that are answered together: the ranking kernels take four queries at once, and more in a pass save
/// little. A thread takes as many at a time.
const TOGETHER: usize = 4;

/// One of several calls that came at the same time.
#[derive(Clone, Copy, Debug)]
pub struct ShortCall<'a> {
    /// The serialized request.
    pub request: &'a [u8],
    /// What the caller may do.
    pub grant: &'a Grant,
}

/// The serialized reply to a call; `None`: the call may wait, or take longer than microseconds.
pub type ShortReply = std::result::Result<Option<Vec<u8>>, Status>;

impl Service {
    /// [`Service::call`] if it waits for nothing and takes microseconds; `None` if it might take
    /// longer.
    pub fn try_call(&self, method: &str, request: &[u8], grant: &Grant) -> ShortReply {
        let call = ShortCall { request, grant };
        let answer = self.try_calls(method, &[call], 1).pop();
        answer.unwrap_or(Ok(None))
    }

    /// Whether [`Service::try_calls`] is worth trying: the request is one of a short call, as far as a look at it
    /// shows that takes a fraction of a microsecond.
    pub fn is_short(&self, method: &str, request: &[u8]) -> bool {
        let short = self.short(method).filter(|_| request.len() <= SHORT_BYTES);
        short.is_some_and(|(_, short)| (short.is_short)(self.engine(), request))
    }

    fn short(&self, method: &str) -> Option<(&'static Entry, Short)> {
        match self.entry(method)? {
            (entry, Handler::Unary { short, .. }) => Some((entry, short?)),
            _ => None,
        }
    }

    /// [`Service::try_call`] of each of several calls of one method, for less: calls that rank the same
    /// namespace with the same options share a pass over its categories. At most `threads` threads work on
    /// them, this one included.
    pub fn try_calls(
        &self,
        method: &str,
        calls: &[ShortCall<'_>],
        threads: usize,
    ) -> Vec<ShortReply> {
        let Some((entry, short)) = self.short(method) else {
            return calls.iter().map(|_| Ok(None)).collect();
        };
        let parts = calls.len().div_ceil(TOGETHER);
        if threads.min(parts) <= 1 {
            let parts = calls.chunks(TOGETHER);
            return parts
                .flat_map(|part| self.part(entry, short, part))
                .collect();
        }
        let next = AtomicUsize::new(0);
        let made = parallel::run(threads.min(parts), || {
            let taken = std::iter::from_fn(|| Some(next.fetch_add(1, Relaxed)));
            let taken = taken.map_while(|part| Some((part, calls.chunks(TOGETHER).nth(part)?)));
            let made = taken.map(|(part, calls)| (part, self.part(entry, short, calls)));
            made.collect::<Vec<_>>()
        });
        let mut made: Vec<_> = made.into_iter().flatten().collect();
        made.sort_unstable_by_key(|&(part, _)| part);
        made.into_iter().flat_map(|(_, replies)| replies).collect()
    }

    /// Answers a few calls together. A panic ends the call that it comes from, not the others.
    fn part(
        &self,
        entry: &'static Entry,
        short: Short,
        calls: &[ShortCall<'_>],
    ) -> Vec<ShortReply> {
        let together = guard(|| Ok(self.together(entry, short, calls)));
        match together {
            Ok(replies) => replies,
            Err(status) if calls.len() == 1 => vec![Err(status)],
            Err(_) => {
                let each = calls.chunks(1);
                each.flat_map(|call| self.part(entry, short, call))
                    .collect()
            }
        }
    }

    fn together(
        &self,
        entry: &'static Entry,
        short: Short,
        calls: &[ShortCall<'_>],
    ) -> Vec<ShortReply> {
        let mut replies: Vec<ShortReply> = calls.iter().map(|_| Ok(None)).collect();
        let (mut begun, mut places) = (
            Vec::with_capacity(calls.len()),
            Vec::with_capacity(calls.len()),
        );
        for (place, call) in calls.iter().enumerate() {
            if call.request.len() > SHORT_BYTES {
                continue;
            }
            match self.begin(entry, call.grant, None) {
                Ok(own) => {
                    begun.push((own, call.request));
                    places.push(place);
                }
                Err(error) => replies[place] = Err(error.into()),
            }
        }
        for (place, answer) in places.into_iter().zip((short.try_calls)(&begun)) {
            replies[place] = answer.map_err(Status::from);
        }
        replies
    }
}
