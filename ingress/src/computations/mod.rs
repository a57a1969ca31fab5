//! Computations as callers see them after they asked: looked up, waited for and followed, from whichever
//! instance, in memory or in the request log.

pub(crate) mod attach;
pub(crate) mod computation;
pub(crate) mod events;
pub(crate) mod lag;
pub(crate) mod lookup;
pub(crate) mod request_log;
pub(crate) mod watcher;
