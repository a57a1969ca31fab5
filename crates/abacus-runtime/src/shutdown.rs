//! The request to stop, as a task sees it.

use tokio_util::sync::CancellationToken;

/// Tells a task, or everyone, that it is time to stop. Once requested, it stays so.
#[derive(Clone, Debug)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    pub(crate) fn new() -> Self {
        Self(CancellationToken::new())
    }

    /// One that is never requested, for tests and tools.
    pub fn never() -> Self {
        Self::new()
    }

    /// Whether the stop has been requested; cheap enough for a polling loop.
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
