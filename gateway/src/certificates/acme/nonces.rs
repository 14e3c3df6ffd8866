//! Nonces that an authority does not take: RFC 8555 section 6.5.

use instant_acme::{Error, Problem};

const BAD_NONCE: &str = "urn:ietf:params:acme:error:badNonce";

/// How often a request is made again, each time with three nonces.
const MOST: usize = 20;

/// Does something again for as long as nothing is wrong but its nonce. The library tries three
/// nonces for each request, and of an authority that refuses every third one in thirty requests
/// fails then; an order is ten.
pub(super) async fn with_nonces<T>(
    mut attempt: impl AsyncFnMut() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    for _ in 1..MOST {
        match attempt().await {
            Err(error) if is(&error, BAD_NONCE) => {}
            done => return done,
        }
    }
    attempt().await
}

/// Whether this is what the authority has answered, by its URN.
pub(super) fn is(error: &anyhow::Error, urn: &str) -> bool {
    match error.downcast_ref() {
        Some(Error::Api(Problem { r#type, .. })) => r#type.as_deref() == Some(urn),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(urn: &str) -> anyhow::Error {
        let problem = serde_json::json!({ "type": urn });
        let problem: Problem = serde_json::from_value(problem).unwrap();
        Error::Api(problem).into()
    }

    async fn attempts(mut outcomes: Vec<anyhow::Result<()>>) -> (usize, anyhow::Result<()>) {
        let before = outcomes.len();
        let done = with_nonces(async || outcomes.pop().unwrap()).await;
        (before - outcomes.len(), done)
    }

    #[tokio::test]
    async fn what_fails_by_its_nonce_is_done_again_and_nothing_else() {
        let bad = || Err(problem(BAD_NONCE));
        let other = || Err(problem("urn:ietf:params:acme:error:rateLimited"));
        let (made, done) = attempts(vec![Ok(()), bad(), bad(), bad()]).await;
        assert_eq!((made, done.is_ok()), (4, true));
        let (made, done) = attempts(vec![Ok(()), other(), bad()]).await;
        assert_eq!((made, done.is_ok()), (2, false));
        let (made, done) = attempts((0..100).map(|_| bad()).collect()).await;
        assert_eq!((made, done.is_ok()), (MOST, false));
    }
}
