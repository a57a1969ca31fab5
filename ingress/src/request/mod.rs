//! What an HTTP request says, before anything is done about it: who asks, for what, in which form, and
//! how long they wait.

pub(crate) mod accept;
pub(crate) mod body;
pub(crate) mod call;
pub(crate) mod prefer;
pub(crate) mod structured;
pub(crate) mod traceparent;
