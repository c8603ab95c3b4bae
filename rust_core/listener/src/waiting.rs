//! Reads that wait for a revision. They hold a permit, of which each principal has few, and no
//! thread.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ee_wire::AwaitedRevision;
use tokio::time::sleep;

use crate::call::Call;
use crate::failure::Failure;

/// Times between two looks: short at first, since most revisions are about to be published.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(8);

/// The revision that the call must wait for; `None`: it waits for none.
pub(crate) async fn awaited(
    call: &mut Call,
    request: &[u8],
) -> Result<Option<AwaitedRevision>, Failure> {
    let found = AwaitedRevision::of(call.method.name, request, call.caller.grant());
    match found {
        Some(awaited) if !is_reached(call, &awaited).await? => Ok(Some(awaited)),
        _ => Ok(None),
    }
}

/// Whether there is nothing to wait for. Where saying so takes longer, a worker does.
async fn is_reached(call: &mut Call, awaited: &AwaitedRevision) -> Result<bool, Failure> {
    let service = call.shared.calls.service()?;
    if let Some(reached) = service.try_is_reached(awaited) {
        return Ok(reached);
    }
    let (workers, awaited) = (Arc::clone(&call.shared.workers), awaited.clone());
    let step = workers.run(move || service.is_reached(&awaited));
    call.unless_gone(step).await
}

/// Waits until the revision is reached, or until it is time to say that it is not: the service then
/// refuses the call.
pub(crate) async fn until_reached(
    call: &mut Call,
    awaited: &AwaitedRevision,
) -> Result<(), Failure> {
    let until = ee_wire::end_of_wait(call.deadline(), Instant::now());
    let mut pause = FIRST_PAUSE;
    while !is_reached(call, awaited).await? {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        let slept = async {
            sleep(pause.min(left)).await;
            Some(())
        };
        call.unless_gone(slept).await?;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    Ok(())
}
