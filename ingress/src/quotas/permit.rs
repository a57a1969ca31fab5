//! The load of a computation, and the permit for it.

use abacus_operations::Cost;
use abacus_quota::{ComputePermit, MemoryPermit};

/// Estimated load of a computation on the service.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) cost: Cost,
    /// Bytes held while the computation is awaited: the request, and the result to come.
    pub(crate) bytes: u64,
}

/// Permission to compute. Dropping it ends the computation's turn, so a caller holds it until the reply is there.
#[derive(Debug)]
pub(crate) struct Permit {
    compute: ComputePermit,
    /// `None` if the request's ledger has it.
    memory: Option<MemoryPermit>,
}

impl Permit {
    pub(super) fn new(compute: ComputePermit, memory: Option<MemoryPermit>) -> Self {
        Self { compute, memory }
    }

    /// Notes that the reply has come. The rate of answers feeds the estimate of the queue delay.
    pub(crate) fn mark_answered(&mut self) {
        self.compute.mark_answered();
    }

    /// Ends the computation's turn. Returns the permit for the memory of the answer to be written.
    pub(crate) fn into_memory(self) -> Option<MemoryPermit> {
        self.memory
    }
}
