//! `abacus-admin schemas`.

use abacus_registry::SchemaRegistry;
use abacus_schemas::{ComputeCompleted, ComputeRequested};
use clap::Subcommand;

use crate::Settings;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Registers this version's schemas, with full transitive compatibility.
    Register,
}

pub(crate) async fn run(Command::Register: Command, settings: &Settings) -> anyhow::Result<()> {
    let registry = SchemaRegistry::new(&settings.registry)?;
    let topics = &settings.topics;
    let requested = registry.register::<ComputeRequested>(&topics.requested).await?;
    println!("schema {requested:4} {}", topics.requested);
    let completed = registry.register::<ComputeCompleted>(&topics.completed).await?;
    println!("schema {completed:4} {}", topics.completed);
    Ok(())
}
