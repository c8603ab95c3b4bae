//! Steps at which tests make the engine fail, by name.
//!
//! A step is reached in a build of the product too, and does nothing there: what is armed exists
//! only with the feature `failpoints`, which the engine's own tests turn on.

/// Declares the steps and lists them.
macro_rules! steps {
    ($($(#[$doc:meta])* $step:ident,)*) => {
        /// A step at which a test can make the engine fail.
        #[cfg_attr(not(feature = "failpoints"), allow(unreachable_pub))]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Step {
            $($(#[$doc])* $step,)*
        }

        #[cfg(feature = "failpoints")]
        impl Step {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$step,)*];
        }
    };
}

steps! {
    /// Before the transaction of a group of writes begins.
    WriteBegin,
    /// After a write has been applied inside the transaction.
    WriteApplied,
    /// After sums were written along.
    WriteSums,
    /// Before the group's commit.
    WriteCommit,
    /// After the commit, before it is visible.
    WriteCommitted,
    /// While it is copied in, under the lock. An error has no meaning here.
    WritePublishing,
    /// After it is visible, before the watermark says so.
    WritePublished,
    /// After the watermark, before the reply.
    WriteMarked,
    /// Before the transaction of a task begins: create, delete, a frame of a restore.
    TaskBegin,
    /// Before a task's commit.
    TaskCommit,
    /// After a task's commit, before the watermark says so.
    TaskCommitted,
    /// After the watermark, before the reply.
    TaskMarked,
    /// Before a part of the write-ahead log is copied back while others write.
    CopyAhead,
    /// Before the rest of it is copied back.
    CopyBack,
    /// After it was copied back, before the marks say so.
    CopiedBack,
    /// After the directory was taken, before the database is opened.
    OpenDatabase,
    /// Before restores that nobody finished are given up.
    OpenAbandon,
    /// Before a namespace is read.
    Load,
    /// After it was read, before it is there for others.
    Loaded,
    /// Before the sums of namespaces that leave memory are written.
    EvictSave,
    /// After they were written, before the namespaces leave.
    EvictSaved,
    /// After the frames of a restore, before its sums are built.
    RestoreSums,
    /// Before a restore becomes visible.
    RestoreFinish,
    /// Before some rows of a deleted namespace are deleted.
    Purge,
    /// Before the last sums are written.
    CloseSave,
    /// Before the last copying back.
    CloseCopyBack,
}

/// Does at a step what a test has armed there.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub(crate) fn reach(_step: Step) -> crate::store::StoreResult<()> {
    Ok(())
}

#[cfg(feature = "failpoints")]
pub(crate) use armed::reach;
#[cfg(feature = "failpoints")]
pub use armed::{Fault, arm, fired, set_clock_offset_ms, set_log_pages, set_new_members};
#[cfg(feature = "failpoints")]
pub(crate) use armed::{clock_offset_ms, log_pages, new_members};

#[cfg(feature = "failpoints")]
mod armed {
    use std::sync::atomic::{AtomicI64, Ordering};
    use std::time::Duration;

    use parking_lot::Mutex;
    use rusqlite::ffi;

    use super::Step;
    use crate::store::StoreResult;

    /// What happens at a step.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Fault {
        /// The process ends at once.
        Crash,
        /// The step fails.
        Error,
        /// The step panics, once.
        Panic,
        /// The step takes this long.
        Delay(Duration),
    }

    struct Armed {
        step: Step,
        fault: Fault,
        /// Times that the step is passed before.
        after: u64,
        fired: u64,
    }

    static ARMED: Mutex<Option<Armed>> = Mutex::new(None);
    static LOG_PAGES: AtomicI64 = AtomicI64::new(0);
    static NEW_MEMBERS: AtomicI64 = AtomicI64::new(0);
    static CLOCK_OFFSET: AtomicI64 = AtomicI64::new(0);

    /// Arms one step of this process: the fault happens once the step was passed `after` times.
    pub fn arm(step: Step, fault: Fault, after: u64) {
        *ARMED.lock() = Some(Armed {
            step,
            fault,
            after,
            fired: 0,
        });
    }

    /// How often the armed step was reached when it was due.
    pub fn fired() -> u64 {
        ARMED.lock().as_ref().map_or(0, |armed| armed.fired)
    }

    /// Makes the write-ahead log be copied back after so many pages.
    pub fn set_log_pages(pages: i64) {
        LOG_PAGES.store(pages, Ordering::Relaxed);
    }

    /// Pages after which it is copied back, if a test has said.
    pub(crate) fn log_pages() -> Option<i64> {
        Some(LOG_PAGES.load(Ordering::Relaxed)).filter(|pages| *pages > 0)
    }

    /// Makes members be moved on from so many new ones on.
    pub fn set_new_members(members: i64) {
        NEW_MEMBERS.store(members, Ordering::Relaxed);
    }

    /// Members from which on some are moved, if a test has said.
    pub(crate) fn new_members() -> Option<i64> {
        Some(NEW_MEMBERS.load(Ordering::Relaxed)).filter(|members| *members > 0)
    }

    /// Sets the clock of this process ahead or, below 0, back.
    pub fn set_clock_offset_ms(offset: i64) {
        CLOCK_OFFSET.store(offset, Ordering::Relaxed);
    }

    pub(crate) fn clock_offset_ms() -> i64 {
        CLOCK_OFFSET.load(Ordering::Relaxed)
    }

    pub(crate) fn reach(step: Step) -> StoreResult<()> {
        let fault = {
            let mut armed = ARMED.lock();
            let Some(armed) = armed.as_mut().filter(|armed| armed.step == step) else {
                return Ok(());
            };
            if armed.after > 0 {
                armed.after -= 1;
                return Ok(());
            }
            armed.fired += 1;
            if armed.fault == Fault::Panic && armed.fired > 1 {
                return Ok(());
            }
            armed.fault
        };
        match fault {
            Fault::Crash => std::process::abort(),
            Fault::Panic => panic!("injected at {step:?}"),
            Fault::Delay(time) => std::thread::sleep(time),
            Fault::Error => {
                let error = ffi::Error::new(ffi::SQLITE_IOERR);
                let what = format!("injected at {step:?}");
                return Err(rusqlite::Error::SqliteFailure(error, Some(what)).into());
            }
        }
        Ok(())
    }
}
