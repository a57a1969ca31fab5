//! The request to stop a task or a process.

use tokio_util::sync::CancellationToken;

/// Request to stop one task or the whole process. A request cannot be withdrawn.
#[derive(Clone, Debug)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    pub(crate) fn new() -> Self {
        Self(CancellationToken::new())
    }

    /// Creates a shutdown that is never requested, for tests and tools.
    pub fn never() -> Self {
        Self::new()
    }

    /// Returns true once the stop has been requested. Cheap enough for a polling loop.
    pub fn is_requested(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until the stop is requested. Cancel-safe.
    pub async fn requested(&self) {
        self.0.cancelled().await;
    }

    pub(crate) fn request(&self) {
        self.0.cancel();
    }
}
