//! Position in a list. The next page begins after the cursor's row.

use std::time::SystemTime;

use uuid::Uuid;

/// Key of a row in the order of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) requested_at: SystemTime,
    pub(crate) request_id: Uuid,
}
