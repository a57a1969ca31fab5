//! Load of a computation, and the permit to compute.

use abacus_operations::Cost;
use abacus_quota::{ComputePermit, MemoryPermit};

/// Estimated load of a computation on the service.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) cost: Cost,
    /// Bytes held during the wait: the request, and the expected result.
    pub(crate) bytes: u64,
}

/// Permit to compute, held until the reply. Dropping the permit ends the computation's turn.
#[derive(Debug)]
pub(crate) struct Permit {
    compute: ComputePermit,
    /// Permit for the memory; `None` if the request's ledger holds the permit.
    memory: Option<MemoryPermit>,
}

impl Permit {
    pub(super) fn new(compute: ComputePermit, memory: Option<MemoryPermit>) -> Self {
        Self { compute, memory }
    }

    /// Records the reply. The rate of answers feeds the estimate of the queue delay.
    pub(crate) fn mark_answered(&mut self) {
        self.compute.mark_answered();
    }

    /// Ends the computation's turn. Returns the permit for the memory of the unwritten answer.
    pub(crate) fn into_memory(self) -> Option<MemoryPermit> {
        self.memory
    }
}
