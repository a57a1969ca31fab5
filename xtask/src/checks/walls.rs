//! `check walls`: compares the dependencies between the crates of the workspace with the allowed ones.
//!
//! [`WALLS`] is the list of ARCHITECTURE.md for the machine. Dependencies of tests and build scripts count as well.
//! `deny.toml` keeps the walls around external crates.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::workspace::Workspace;

/// Each crate of the workspace with its allowed dependencies on crates of the workspace.
const WALLS: &[(&str, &[&str])] = &[
    // Pure crates, and the scaffold of every process.
    ("abacus-arithmetic", &[]),
    ("abacus-operations", &["abacus-arithmetic"]),
    ("abacus-schemas", &[]),
    ("abacus-runtime", &[]),
    // Libraries around one outside system or one concern.
    ("abacus-kafka", &["abacus-runtime"]),
    ("abacus-registry", &["abacus-runtime", "abacus-schemas"]),
    ("abacus-exchange", &["abacus-kafka", "abacus-registry", "abacus-runtime", "abacus-schemas"]),
    ("abacus-http", &["abacus-runtime"]),
    ("abacus-identity", &["abacus-runtime"]),
    ("abacus-quota", &["abacus-runtime"]),
    // Services. No service depends on a service.
    (
        "abacus-ingress",
        &[
            "abacus-arithmetic",
            "abacus-exchange",
            "abacus-http",
            "abacus-identity",
            "abacus-kafka",
            "abacus-operations",
            "abacus-quota",
            "abacus-registry",
            "abacus-runtime",
            "abacus-schemas",
        ],
    ),
    (
        "abacus-processor",
        &[
            "abacus-kafka",
            "abacus-operations",
            "abacus-registry",
            "abacus-runtime",
            "abacus-schemas",
        ],
    ),
    ("abacus-projector", &["abacus-kafka", "abacus-registry", "abacus-runtime", "abacus-schemas"]),
    // Programs of operators.
    ("abacus-admin", &["abacus-kafka", "abacus-registry", "abacus-runtime", "abacus-schemas"]),
    ("abacus-migrations", &["abacus-runtime"]),
    // Tests, measurements and commands.
    ("abacus-testkit", &["abacus-migrations", "abacus-registry", "abacus-schemas"]),
    ("abacus-check", &["abacus-schemas", "abacus-testkit"]),
    ("abacus-fuzz", &["abacus-check", "abacus-schemas", "abacus-testkit"]),
    (
        "abacus-tests",
        &[
            "abacus-check",
            "abacus-fuzz",
            "abacus-ingress",
            "abacus-kafka",
            "abacus-processor",
            "abacus-projector",
            "abacus-runtime",
            "abacus-schemas",
            "abacus-testkit",
        ],
    ),
    ("abacus-bench", &["abacus-registry", "abacus-runtime", "abacus-schemas"]),
    ("xtask", &[]),
];

/// Dependencies on crates of the workspace, by crate.
type Dependencies = BTreeMap<String, BTreeSet<String>>;

/// Fails if a crate has a dependency that the walls do not allow, or if the list is out of date.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let present = dependencies(&workspace.metadata()?)?;
    let faults = faults(&present, &table(WALLS));
    if faults.is_empty() {
        println!("the walls between {} crates hold", present.len());
        return Ok(());
    }
    bail!("{} faults in the walls between crates\n\n{}", faults.len(), faults.join("\n"));
}

/// Returns the dependencies of a list such as [`WALLS`].
fn table(rows: &[(&str, &[&str])]) -> Dependencies {
    let mut table = Dependencies::new();
    for (name, names) in rows {
        table.insert((*name).to_owned(), names.iter().map(|name| (*name).to_owned()).collect());
    }
    table
}

/// Reads the dependencies between crates of the workspace from the description by Cargo.
fn dependencies(metadata: &Value) -> Result<Dependencies> {
    let packages = metadata.get("packages").and_then(Value::as_array).context("no packages")?;
    let members: BTreeSet<&str> = packages.iter().filter_map(name).collect();
    let mut found = Dependencies::new();
    for package in packages {
        let package_name = name(package).context("a package has no name")?;
        let listed = package.get("dependencies").and_then(Value::as_array);
        let listed = listed.with_context(|| format!("{package_name} lists no dependencies"))?;
        let internal = listed.iter().filter_map(name).filter(|name| members.contains(name));
        found.insert(package_name.to_owned(), internal.map(str::to_owned).collect());
    }
    Ok(found)
}

fn name(described: &Value) -> Option<&str> {
    described.get("name")?.as_str()
}

/// Returns a line for each difference between the present and the allowed dependencies.
fn faults(present: &Dependencies, allowed: &Dependencies) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, dependencies) in present {
        let Some(walls) = allowed.get(name) else {
            faults.push(format!("{name} has no row in xtask/src/checks/walls.rs"));
            continue;
        };
        faults.extend(
            dependencies.difference(walls).map(|wrong| format!("{name} may not use {wrong}")),
        );
        faults.extend(walls.difference(dependencies).map(|unused| {
            format!("{name} does not use {unused}; narrow its row in xtask/src/checks/walls.rs")
        }));
    }
    let gone = allowed.keys().filter(|name| !present.contains_key(*name));
    faults.extend(gone.map(|name| format!("{name} is no crate of the workspace")));
    faults
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_crates_of_this_workspace_keep_the_walls() {
        run(&Workspace::discover().unwrap()).unwrap();
    }

    #[test]
    fn dependencies_of_all_kinds_on_members_are_read_and_external_ones_left_out() {
        let metadata = json!({ "packages": [
            { "name": "http", "dependencies": [
                { "name": "axum", "kind": null },
                { "name": "runtime", "kind": null },
                { "name": "identity", "kind": "dev" },
            ] },
            { "name": "runtime", "dependencies": [] },
            { "name": "identity", "dependencies": [] },
        ] });
        let expected =
            table(&[("http", &["runtime", "identity"]), ("runtime", &[]), ("identity", &[])]);
        assert_eq!(dependencies(&metadata).unwrap(), expected);
        assert!(dependencies(&json!({})).is_err());
        assert!(dependencies(&json!({ "packages": [{ "name": "http" }] })).is_err());
    }

    #[test]
    fn each_breach_and_each_outdated_row_is_a_fault() {
        let present = table(&[("http", &["identity"]), ("identity", &[]), ("new", &[])]);
        let allowed = table(&[("http", &["runtime"]), ("identity", &[]), ("old", &[])]);
        let faults = faults(&present, &allowed);
        for (fault, start) in faults.iter().zip([
            "http may not use identity",
            "http does not use runtime",
            "new has no row",
            "old is no crate",
        ]) {
            assert!(fault.starts_with(start), "{fault}");
        }
        assert_eq!(faults.len(), 4, "{faults:?}");
    }
}
