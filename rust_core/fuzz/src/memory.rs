//! How much memory a call takes.

use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Bytes that were held at the same time at most while something ran, beyond those before. What
/// SQLite holds is not among them: its cache is bounded by a setting.
pub(crate) fn of<T>(run: impl FnOnce() -> T) -> (T, usize) {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let value = run();
    (value, ALLOCATOR.peak_usage().saturating_sub(before))
}
