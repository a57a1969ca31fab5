//! A check of answers. The load generator counts answers; this module checks a few.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Client, StatusCode};

/// Paths of the loads, and digits expected in the answers.
const QUESTIONS: [(&str, &str); 2] = [
    ("/v1/pow/1000000000000007/3", "1000000000000021000000000000147000000000000343"),
    (
        "/v1/fibonacci/1000",
        "43466557686937456435688527675040625802564660517371780402481729089536555417949051890403879840079255169295922593080322634775209689623239873322471161642996440906533187938298969649928516003704476137795166849228875",
    ),
];

/// Fails unless every path is answered with 200 and the right digits.
pub(crate) async fn check(url: &str, token: Option<&str>) -> Result<()> {
    let client = Client::builder().timeout(Duration::from_secs(30)).build()?;
    for (path, digits) in QUESTIONS {
        let url = format!("{}{path}", url.trim_end_matches('/'));
        let mut question = client.get(&url);
        if let Some(token) = token {
            question = question.bearer_auth(token);
        }
        let asked = question.send().await;
        let answer = asked.with_context(|| format!("{url} does not answer"))?;
        let status = answer.status();
        let body = answer.text().await?;
        ensure!(status == StatusCode::OK, "{url} answers {status}: {body}");
        ensure!(body.contains(digits), "{url} answers wrongly: {body}");
    }
    Ok(())
}
