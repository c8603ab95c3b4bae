//! The memory of a call.

use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Peak of allocated bytes while `work` ran, beyond those before. Without SQLite's, whose cache is
/// bounded by a setting.
pub(crate) fn of<T>(run: impl FnOnce() -> T) -> (T, usize) {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let value = run();
    (value, ALLOCATOR.peak_usage().saturating_sub(before))
}
