#![doc = include_str!("../README.md")]

mod attached;
mod error;
mod exchange;
mod loopback;
mod metrics;
mod outcome;
mod publisher;
mod recent;
mod replies;
mod reply_reader;
mod state;
mod transport;
mod waiter;
mod waiters;

pub use attached::Awaited;
pub use error::Error;
pub use exchange::{Answer, Exchange, ExchangeConfig, Recalled, Submission};
pub use loopback::{Loopback, LoopbackOutcome};
pub use metrics::{DELIVERY_OUTCOMES, Metrics};
pub use outcome::{LogProgress, Progress, ReplyKind, WaitCondition, WaitOutcome};
pub use publisher::{Publisher, PublisherConfig, ReplyAddress, Signer};
pub use replies::{ReplyConfig, read_replies};
pub use reply_reader::{ReplyReader, ReplySubject, SubjectOf};
pub use transport::Transport;
pub use waiter::{AttachedWaiter, Attachment, PublishedWaiter, WaitLimits};
pub use waiters::Waiters;
