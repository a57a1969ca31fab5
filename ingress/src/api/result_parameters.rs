//! Query parameters for the form of the answer. No operand has the name of such a parameter.

use abacus_http::fields::prefer;
use form_urlencoded::parse;

use crate::problems::Error;
use crate::representation::{Radix, View};

/// Query parameters besides operands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ResultParameters {
    radix: Option<Radix>,
    preview: Option<usize>,
    wait: Option<u64>,
}

impl ResultParameters {
    /// Names of the parameters.
    pub(super) const NAMES: [&str; 3] = ["format", "digits", "wait"];

    /// Reads a query. Parameters with other names are ignored.
    pub(super) fn read(query: Option<&str>) -> Result<Self, Error> {
        let mut parameters = Self::default();
        for (name, value) in query.into_iter().flat_map(|query| parse(query.as_bytes())) {
            match &*name {
                "format" => set(&mut parameters.radix, "format", format(&value))?,
                "digits" => set(&mut parameters.preview, "digits", digits(&value))?,
                "wait" => set(&mut parameters.wait, "wait", wait(&value))?,
                _ => {}
            }
        }
        Ok(parameters)
    }

    pub(super) fn view(self) -> View {
        View { radix: self.radix.unwrap_or_default(), preview: self.preview }
    }

    /// Returns the longest wait, in seconds.
    pub(super) fn wait(self) -> Option<u64> {
        self.wait
    }
}

fn set<T>(
    parameter: &mut Option<T>,
    name: &'static str,
    value: Result<T, &'static str>,
) -> Result<(), Error> {
    let invalid = |reason: &str| Error::InvalidParameter {
        parameter: name.to_owned(),
        reason: reason.to_owned(),
    };
    let value = value.map_err(invalid)?;
    match parameter.replace(value) {
        None => Ok(()),
        Some(_) => Err(invalid("is given more than once; give it once")),
    }
}

fn format(value: &str) -> Result<Radix, &'static str> {
    Radix::from_name(value).ok_or("must be `dec` or `hex`")
}

fn digits(value: &str) -> Result<usize, &'static str> {
    let seconds = prefer::seconds(value).filter(|count| *count > 0);
    let count = seconds.ok_or("must be 1 or more, in decimal digits")?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

fn wait(value: &str) -> Result<u64, &'static str> {
    prefer::seconds(value).ok_or("must be a number of seconds, in decimal digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_read_from_among_the_operands() {
        assert_eq!(ResultParameters::read(None).unwrap(), ResultParameters::default());
        let read =
            ResultParameters::read(Some("base=2&format=hex&wait=5&exp=%33&digits=100")).unwrap();
        assert_eq!(read.view(), View { radix: Radix::Hexadecimal, preview: Some(100) });
        assert_eq!(read.wait(), Some(5));
        let endless =
            ResultParameters::read(Some("digits=99999999999999999999999&wait=0")).unwrap();
        assert_eq!((endless.preview, endless.wait), (Some(usize::MAX), Some(0)));
    }

    #[test]
    fn what_they_cannot_be_is_told() {
        for (query, name) in [
            ("format=oct", "format"),
            ("format=", "format"),
            ("digits=0", "digits"),
            ("digits=-1", "digits"),
            ("wait=1.5", "wait"),
            ("wait=1&wait=1", "wait"),
            ("digits=5&format=dec&digits=6", "digits"),
        ] {
            let error = ResultParameters::read(Some(query)).unwrap_err();
            assert!(
                matches!(&error, Error::InvalidParameter { parameter, .. } if parameter == name),
                "{query}: {error}"
            );
        }
    }

    #[test]
    fn no_operand_of_any_operation_has_their_names() {
        for operation in abacus_operations::all() {
            for operand in operation.operands() {
                assert!(!ResultParameters::NAMES.contains(&operand.name), "{}", operation.name());
            }
        }
    }
}
