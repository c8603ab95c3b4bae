//! Points at which tests make the store and the engine fail, by name.
//!
//! In a build of the product a failpoint does nothing: faults can be armed only with the feature
//! `failpoints`, which the tests of the store and the engine turn on.

/// Declares the failpoints and lists them.
macro_rules! failpoints {
    ($($(#[$doc:meta])* $point:ident,)*) => {
        /// A point at which a test can make the store or the engine fail.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Failpoint {
            $($(#[$doc])* $point,)*
        }

        #[cfg(feature = "failpoints")]
        impl Failpoint {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$point,)*];
        }
    };
}

failpoints! {
    /// Before the transaction of a batch of writes begins.
    WriteBegin,
    /// After a write has been applied inside the transaction.
    WriteApplied,
    /// After the sums that are due were written.
    WriteSums,
    /// Before the batch's commit.
    WriteCommit,
    /// After the commit, before it is visible.
    WriteCommitted,
    /// While the batch is copied in, under the lock. An error has no meaning here.
    WritePublishing,
    /// After the batch is visible, before the watermark is raised.
    WritePublished,
    /// After the watermark is raised, before the reply.
    WriteAcknowledged,
    /// Before the transaction of an operation begins: create, delete, a frame of a restore.
    OperationBegin,
    /// Before an operation's commit.
    OperationCommit,
    /// After an operation's commit, before the watermark is raised.
    OperationCommitted,
    /// After the watermark is raised, before the reply.
    OperationAcknowledged,
    /// Before a part of the WAL is checkpointed while others write.
    CheckpointAhead,
    /// Before the rest of the WAL is checkpointed.
    Checkpoint,
    /// After the checkpoint, before the watermarks are raised.
    Checkpointed,
    /// After the directory was locked, before the database is opened.
    OpenDatabase,
    /// Before unfinished restores are given up.
    OpenAbandon,
    /// Before a namespace is read into memory.
    Load,
    /// After a namespace was read, before other threads see it.
    Loaded,
    /// Before the sums of namespaces that leave memory are written.
    EvictSave,
    /// After the sums were written, before the namespaces leave.
    EvictSaved,
    /// After the frames of a restore, before its sums are built.
    RestoreSums,
    /// Before a restore becomes visible.
    RestoreFinish,
    /// Before some rows of a deleted namespace are deleted.
    Purge,
    /// Before the room of some free pages is given back.
    Shrink,
    /// Before the last sums are written.
    CloseSave,
    /// Before the last checkpoint.
    CloseCheckpoint,
}

/// Causes the fault that a test has armed at a failpoint.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn reach(_point: Failpoint) -> crate::StoreResult<()> {
    Ok(())
}

#[cfg(feature = "failpoints")]
pub use armed::*;

#[cfg(feature = "failpoints")]
mod armed {
    use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
    use std::time::Duration;

    use parking_lot::Mutex;

    use super::Failpoint;
    use crate::{StoreError, StoreResult};

    /// The fault at a failpoint.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Fault {
        /// The process ends at once.
        Crash,
        /// The call fails.
        Error,
        /// The call panics, once.
        Panic,
        /// The call takes this long.
        Delay(Duration),
    }

    struct Armed {
        point: Failpoint,
        fault: Fault,
        /// Times that the point is passed before.
        after: u64,
        fired: u64,
    }

    static ARMED: Mutex<Option<Armed>> = Mutex::new(None);
    static WAL_PAGES: AtomicI64 = AtomicI64::new(0);
    static NEW_MEMBERS: AtomicI64 = AtomicI64::new(0);
    static CLOCK_OFFSET: AtomicI64 = AtomicI64::new(0);
    static SHRINK_EAGERLY: AtomicBool = AtomicBool::new(false);

    /// Arms one failpoint of this process: the fault happens after the point was passed `after`
    /// times.
    pub fn arm(point: Failpoint, fault: Fault, after: u64) {
        *ARMED.lock() = Some(Armed {
            point,
            fault,
            after,
            fired: 0,
        });
    }

    /// How often the armed failpoint was reached when it was due.
    pub fn fired() -> u64 {
        ARMED.lock().as_ref().map_or(0, |armed| armed.fired)
    }

    /// Number of WAL pages after which a checkpoint begins; 0: as in the product.
    pub fn set_wal_pages(pages: i64) {
        WAL_PAGES.store(pages, Ordering::Relaxed);
    }

    /// Number of WAL pages after which a checkpoint begins, if a test has set it.
    pub fn wal_pages() -> Option<i64> {
        Some(WAL_PAGES.load(Ordering::Relaxed)).filter(|pages| *pages > 0)
    }

    /// Number of new members above which some are moved on; 0: as in the product.
    pub fn set_new_members(members: i64) {
        NEW_MEMBERS.store(members, Ordering::Relaxed);
    }

    /// Number of new members above which some are moved on, if a test has set it.
    pub fn new_members() -> Option<i64> {
        Some(NEW_MEMBERS.load(Ordering::Relaxed)).filter(|members| *members > 0)
    }

    /// Gives the room of every free page back at once; false: as in the product.
    pub fn set_shrink_eagerly(eagerly: bool) {
        SHRINK_EAGERLY.store(eagerly, Ordering::Relaxed);
    }

    /// Whether the room of every free page is given back at once.
    pub fn shrink_eagerly() -> bool {
        SHRINK_EAGERLY.load(Ordering::Relaxed)
    }

    /// Sets the clock of this process ahead or, below 0, back.
    pub fn set_clock_offset_ms(offset: i64) {
        CLOCK_OFFSET.store(offset, Ordering::Relaxed);
    }

    /// How far the clock of this process is set ahead.
    pub fn clock_offset_ms() -> i64 {
        CLOCK_OFFSET.load(Ordering::Relaxed)
    }

    /// Causes the fault that a test has armed at a failpoint.
    pub fn reach(point: Failpoint) -> StoreResult<()> {
        let fault = {
            let mut armed = ARMED.lock();
            let Some(armed) = armed.as_mut().filter(|armed| armed.point == point) else {
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
            Fault::Panic => panic!("injected at {point:?}"),
            Fault::Delay(time) => std::thread::sleep(time),
            Fault::Error => return Err(StoreError::failed(format!("injected at {point:?}"))),
        }
        Ok(())
    }
}
