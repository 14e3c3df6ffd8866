//! Every route, limit and header rule on one page: design section 3.

pub(crate) mod admin;
mod endpoint;
mod error;
mod events;
mod extract;
mod pages;
mod proxies;
mod redirect;
mod reply;
mod session;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use futures_util::FutureExt;
use sightline_spec::media_type::SDP;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowHeaders, Any, CorsLayer};
use tower_http::trace::{DefaultOnResponse, OnResponse, TraceLayer};

use crate::app::App;
use crate::error::Error;

pub(crate) use proxies::{Proxies, PublicUrl};
pub(crate) use redirect::redirect;

/// What handlers need.
pub(crate) struct Context {
    pub(crate) app: App,
    pub(crate) proxies: Proxies,
    pub(crate) max_body: usize,
    pub(crate) body_timeout: Duration,
}

type Ctx = State<Arc<Context>>;

/// The whole HTTP interface.
pub(crate) fn router(context: Arc<Context>, player_dir: Option<PathBuf>) -> Router {
    let watched = context.clone();
    let mut protocol = Router::new()
        .route(
            "/whip/{room}",
            post(endpoint::whip).get(endpoint::get).options(options),
        )
        .route(
            "/whep/{room}",
            post(endpoint::whep)
                .get(endpoint::get_whep)
                .options(options),
        );
    for kind in ["whip", "whep"] {
        let session = format!("/{kind}/{{room}}/{{session}}");
        let on_session = get(session::get)
            .patch(session::patch)
            .delete(session::delete)
            .options(options);
        let on_events = post(events::create).options(options);
        let on_stream = get(events::open).delete(events::remove).options(options);
        if kind == "whep" {
            let on_layer = post(session::select_layer).options(options);
            protocol = protocol.route(&format!("{session}/layer"), on_layer);
        }
        protocol = protocol
            .route(&session, on_session)
            .route(&format!("{session}/events"), on_events)
            .route(&format!("{session}/events/{{stream}}"), on_stream);
    }
    let protocol = protocol
        .layer(cors())
        .layer(from_fn_with_state(context.clone(), announce));
    // Other sites may use the element, so its modules are open to them as well.
    let pages = pages::router(player_dir)
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(CorsLayer::new().allow_origin(Any));

    Router::new()
        .merge(protocol)
        .merge(pages)
        .merge(admin::health())
        .fallback(|| async { Error::NoSuchResource })
        .method_not_allowed_fallback(|| async { Error::WrongMethod })
        // A held POST that ends with 503 is no failure; domain code logs what is one.
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(span)
                .on_response(move |response: &Response<_>, took, span: &tracing::Span| {
                    if let Some(error::ProblemType(slug)) = response.extensions().get() {
                        watched.app.metrics.problem(slug);
                    }
                    DefaultOnResponse::new().on_response(response, took, span);
                })
                .on_failure(()),
        )
        .with_state(context)
}

/// Open to every origin: what protects a session is its unguessable URL.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PATCH,
            Method::DELETE,
        ])
        // `*` would not cover Authorization (Fetch, section 4.8).
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([
            header::LOCATION,
            header::LINK,
            header::ETAG,
            header::RETRY_AFTER,
            HeaderName::from_static("accept-patch"),
            HeaderName::from_static("preference-applied"),
        ])
        .max_age(Duration::from_secs(2 * 60 * 60))
}

/// OPTIONS without a preflight's fields; with them the CORS layer answers.
async fn options() -> StatusCode {
    StatusCode::OK
}

/// OPTIONS, whoever answers it, says what can be POSTed or PATCHed
/// (RFC 9725 section 4.2) and names the ICE servers, before anyone has to ask.
/// mediamtx's reader takes every `Link` here for an ICE server, so there are no others.
///
/// Not an `async fn`, which would keep the request's place for as long as it is held.
fn announce(State(context): Ctx, request: Request, next: Next) -> impl Future<Output = Response> {
    let is_options = request.method() == Method::OPTIONS;
    let segments = request.uri().path().split('/').count();
    next.run(request).map(move |mut response| {
        if is_options {
            let headers = response.headers_mut();
            match segments {
                3 => {
                    headers.insert("accept-post", HeaderValue::from_static(SDP));
                    reply::append_ice_servers(headers, &context);
                }
                _ => {
                    headers.insert(ACCEPT_PATCH, HeaderValue::from_static(error::PATCHABLE));
                }
            }
        }
        response
    })
}

const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

/// Names the route, not the path: a session's URL is a secret.
fn span(request: &Request) -> tracing::Span {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("-", MatchedPath::as_str);
    tracing::debug_span!("http", method = %request.method(), route)
}
