//! `abacus-admin schemas`: registers the Avro schemas of this version.

use abacus_registry::SchemaRegistry;
use abacus_schemas::{ComputeCompleted, ComputeRequested};
use clap::Subcommand;

use crate::settings::Settings;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Register the schemas of this version, with full transitive compatibility.
    Register,
}

pub(crate) async fn run(Command::Register: Command, settings: &Settings) -> anyhow::Result<()> {
    let registry = SchemaRegistry::new(&settings.registry)?;
    let topics = &settings.topics;
    let requested = registry.register::<ComputeRequested>(&topics.requested).await?;
    println!("schema {requested:4} {}", topics.requested);
    let heavy = registry.register::<ComputeRequested>(&topics.requested_heavy).await?;
    println!("schema {heavy:4} {}", topics.requested_heavy);
    let completed = registry.register::<ComputeCompleted>(&topics.completed).await?;
    println!("schema {completed:4} {}", topics.completed);
    Ok(())
}
