//! Operations in the `OpenAPI` document, described from the registry of operations. The annotations
//! of the handlers describe the common parts.

use std::borrow::Cow;

use abacus_operations::{Domain, OperandSpec, Operation};
use serde_json::{Value, json};
use utoipa::openapi::path::{
    HttpMethod, Operation as Described, Parameter, ParameterBuilder, ParameterIn, PathItem, Paths,
    PathsBuilder,
};
use utoipa::openapi::schema::{AdditionalProperties, Schema};
use utoipa::openapi::{Object, ObjectBuilder, OneOfBuilder, RefOr, Required, Type};
use utoipa::{PartialSchema, Path, ToSchema};

use crate::api::catalog;

/// Tags of paths with the version, and without.
const COMPUTE: &str = "compute";
const ALIASES: &str = "aliases";

/// Describes `GET /v1/pow/{base}/{exponent}` with the annotation of `H`.
pub(crate) fn by_path<H: Path>(operation: &dyn Operation, prefix: &str) -> Paths {
    let path = format!("{prefix}/{}{}", operation.name(), catalog::operand_path(operation));
    describe::<H>(operation, path, &ParameterIn::Path)
}

/// Describes `GET /v1/pow?base=2&exponent=10` with the annotation of `H`.
pub(crate) fn by_query<H: Path>(operation: &dyn Operation, prefix: &str) -> Paths {
    describe::<H>(operation, format!("{prefix}/{}", operation.name()), &ParameterIn::Query)
}

fn describe<H: Path>(operation: &dyn Operation, path: String, location: &ParameterIn) -> Paths {
    let name = operation.name();
    let mut described = H::operation();
    described.tags = Some(vec![COMPUTE.to_owned()]);
    let general = described.description.take().unwrap_or_default();
    let way = if *location == ParameterIn::Path { "Path" } else { "Query" };
    described.summary = Some(format!("{name}, by {}", way.to_lowercase()));
    described.description = Some(format!("`{name}`: {}.\n\n{general}", operation.summary()));
    described.operation_id = Some(format!("{}By{way}", name.replace('-', "_")));
    let operands = operation.operands().iter().map(|spec| parameter(spec, location.clone()));
    let all = operands.map(RefOr::T).chain(described.parameters.take().unwrap_or_default());
    described.parameters = Some(all.collect());
    if !path.starts_with("/v1") {
        mark_as_alias(&mut described, &format!("/v1{path}"));
    }
    PathsBuilder::new().path(path, PathItem::new(HttpMethod::Get, described)).build()
}

/// Marks an operation as an alias of `path`.
pub(super) fn mark_as_alias(described: &mut Described, path: &str) {
    described.tags = Some(vec![ALIASES.to_owned()]);
    described.summary = described.summary.take().map(|summary| format!("{summary} (alias)"));
    described.operation_id = described.operation_id.take().map(|id| format!("{id}Alias"));
    let description = described.description.take().unwrap_or_default();
    described.description = Some(format!("Alias of `{path}`. {description}"));
}

fn parameter(spec: &OperandSpec, location: ParameterIn) -> Parameter {
    ParameterBuilder::new()
        .name(spec.name)
        .parameter_in(location)
        .required(Required::True)
        .description(Some(meaning(spec)))
        .schema(Some(digits(spec)))
        .example(Some(spec.example.into()))
        .build()
}

fn meaning(spec: &OperandSpec) -> String {
    let domain = match spec.domain {
        Domain::Any => "any integer",
        Domain::NonNegative => "an integer, 0 or more",
    };
    format!("{}: {domain}, in decimal digits", spec.meaning)
}

/// Returns the schema of an integer of any size, as a string.
fn digits(spec: &OperandSpec) -> Object {
    let pattern = match spec.domain {
        Domain::Any => "^-?[0-9]+$",
        Domain::NonNegative => "^[0-9]+$",
    };
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).build()
}

/// The body of `POST /v1/computations`, as one schema for each operation.
pub(crate) struct NewComputation;

impl ToSchema for NewComputation {
    fn name() -> Cow<'static, str> {
        "NewComputation".into()
    }
}

impl PartialSchema for NewComputation {
    fn schema() -> RefOr<Schema> {
        let one = OneOfBuilder::new().description(Some(
            "A computation. An operand is a string of decimal digits, or a JSON integer of any size.",
        ));
        let all =
            abacus_operations::documented().fold(one, |one, operation| one.item(body(operation)));
        Schema::OneOf(all.examples(examples()).build()).into()
    }
}

/// Returns an example body for each operation.
fn examples() -> impl Iterator<Item = Value> {
    abacus_operations::documented()
        .map(|operation| json!({ "operation": operation.name(), "operands": operation.example() }))
}

fn body(operation: &dyn Operation) -> Object {
    let name = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([operation.name()]));
    closed(ObjectBuilder::new())
        .title(Some(operation.name()))
        .description(Some(operation.summary()))
        .property("operation", name)
        .required("operation")
        .property("operands", operands(operation))
        .required("operands")
        .build()
}

fn operands(operation: &dyn Operation) -> Object {
    let object = closed(ObjectBuilder::new());
    let specs = operation.operands().iter();
    specs
        .fold(object, |object, spec| object.property(spec.name, operand(spec)).required(spec.name))
        .build()
}

fn operand(spec: &OperandSpec) -> Schema {
    let least = (spec.domain == Domain::NonNegative).then_some(0);
    let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(least);
    let either = OneOfBuilder::new().item(digits(spec)).item(number);
    Schema::OneOf(either.description(Some(meaning(spec))).build())
}

fn closed(object: ObjectBuilder) -> ObjectBuilder {
    object.additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
}
