//! What is done for a request before it is handled, and then with its answer.
//!
//! `axum::middleware::from_fn` can do the same, with three allocations for each request. A
//! camera's POST is held, by the thousand, and keeps all of them.

use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::extract::Request;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use futures_util::future::Either;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::error::Error;

/// Sees each request before it is handled, and its answer after.
pub(super) trait Look: Clone {
    /// What the answer's look has to know of the request; kept for as long as that is held.
    type Seen;

    fn request(&self, parts: &mut Parts) -> Self::Seen;

    /// What is answered in place of what a handler would, if anything.
    fn refusal(&self, _: &Parts) -> Option<Error> {
        None
    }

    fn answer(seen: Self::Seen, response: &mut Response);
}

/// A layer that has a [`Look`].
#[derive(Clone)]
pub(super) struct Around<L>(pub(super) L);

impl<S, L: Look> Layer<S> for Around<L> {
    type Service = Surrounded<S, L>;

    fn layer(&self, inner: S) -> Self::Service {
        let look = self.0.clone();
        Surrounded { inner, look }
    }
}

/// The service with that around it.
#[derive(Clone)]
pub(super) struct Surrounded<S, L> {
    inner: S,
    look: L,
}

impl<S, L> Service<Request> for Surrounded<S, L>
where
    S: Service<Request, Response: IntoResponse>,
    L: Look,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Either<Answering<S::Future, L>, Ready<Result<Response, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let seen = self.look.request(&mut parts);
        if let Some(refusal) = self.look.refusal(&parts) {
            let mut response = refusal.into_response();
            L::answer(seen, &mut response);
            return Either::Right(ready(Ok(response)));
        }
        Either::Left(Answering {
            inner: self.inner.call(Request::from_parts(parts, body)),
            seen: Some(seen),
        })
    }
}

pin_project! {
    /// The answer that is to come.
    pub(super) struct Answering<F, L: Look> {
        #[pin]
        inner: F,
        seen: Option<L::Seen>,
    }
}

impl<F, L, R, E> Future for Answering<F, L>
where
    F: Future<Output = Result<R, E>>,
    R: IntoResponse,
    L: Look,
{
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.inner.poll(context))?.into_response();
        if let Some(seen) = this.seen.take() {
            L::answer(seen, &mut response);
        }
        Poll::Ready(Ok(response))
    }
}
