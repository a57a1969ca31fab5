//! All problem types: name, meaning and advice.
//!
//! **Invariant:** [`all`] lists every row, because the macro for rows also lists the rows. Each
//! file of the folder is a section, and each section is one line of the registry below.

abacus_http::problem_sections! {
    operands,
    requests,
    idempotency,
    identity,
    limits,
    service,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use abacus_http::problem::{ProblemType, Retry};
    use axum::http::StatusCode;

    use super::*;

    #[test]
    fn codes_are_unique_and_fit_a_path() {
        let codes: BTreeSet<_> = all().map(ProblemType::code).collect();
        assert_eq!(codes.len(), all().count());
        for code in codes {
            assert!(code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{code}");
            assert_eq!(find(code).map(ProblemType::code), Some(code));
        }
    }

    #[test]
    fn every_problem_says_what_happened_and_what_to_do() {
        for problem in all() {
            let status = problem.status();
            assert!(status.is_client_error() || status.is_server_error(), "{problem:?}");
            assert!(
                problem.happened().ends_with('.') && problem.remedy().ends_with('.'),
                "{problem:?}"
            );
            assert!(!problem.title().is_empty() && !problem.title().ends_with('.'), "{problem:?}");
        }
    }

    #[test]
    fn what_is_unavailable_is_worth_another_try() {
        let unavailable =
            all().filter(|problem| problem.status() == StatusCode::SERVICE_UNAVAILABLE);
        for problem in unavailable {
            assert_ne!(problem.retry(), Retry::Useless, "{problem:?}");
        }
    }
}
