//! Every route, limit and header rule on one page: design section 3.

pub(crate) mod admin;
mod endpoint;
mod error;
mod events;
mod extract;
mod framing;
mod pages;
mod proxies;
mod redirect;
mod reply;
mod session;
mod shared_events;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Router};
use futures_util::FutureExt;
use sightline_spec::shared_events::PATH;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowHeaders, CorsLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::{DefaultOnResponse, OnResponse, TraceLayer};

use crate::app::App;
use crate::error::Error;
use crate::session::Side;

pub(crate) use proxies::{Proxies, PublicUrl};
pub(crate) use redirect::{Https, redirect};

/// What handlers need.
pub(crate) struct Context {
    pub(crate) app: App,
    pub(crate) proxies: Proxies,
    pub(crate) max_body: usize,
    pub(crate) body_timeout: Duration,
}

type Ctx = State<Arc<Context>>;
type Routes = Router<Arc<Context>>;
type Methods = MethodRouter<Arc<Context>>;

/// The whole HTTP interface.
pub(crate) fn router(context: Arc<Context>, player_dir: Option<PathBuf>) -> Router {
    let logged = from_fn_with_state(context.clone(), endpoint::log_refusal);
    let whip = post(endpoint::whip).get(endpoint::get);
    let whep = post(endpoint::whep).get(endpoint::get_whep);
    let cameras = resources(whip.layer(logged.clone()), &context);
    let on_layer = open(post(session::select_layer));
    let viewers = resource(
        resources(whep.layer(logged), &context),
        "/{room}/{session}/layer",
        on_layer,
    );
    let protocol = Router::new()
        .nest("/whip", cameras.layer(Extension(Side::Camera)))
        .nest("/whep", viewers.layer(Extension(Side::Viewer)));
    let shared = open(get(shared_events::open));
    let protocol = resource(protocol, PATH, shared);
    let pages =
        pages::router(player_dir).layer(CompressionLayer::new().quality(CompressionLevel::Fastest));
    let routes = protocol.merge(pages).merge(admin::health());
    on_every_request(routes, context)
}

/// What both sides have: an endpoint for each room, and below it sessions and their events.
fn resources(endpoint: Methods, context: &Arc<Context>) -> Routes {
    let announced = from_fn_with_state(context.clone(), endpoint::announce);
    let endpoint = open(endpoint).layer(announced);
    let session = get(session::get)
        .patch(session::patch)
        .delete(session::delete);
    let session = open(session).layer(from_fn(session::announce));
    let stream = get(events::open).delete(events::remove);
    let routes = resource(Router::new(), "/{room}", endpoint);
    let routes = resource(routes, "/{room}/{session}", session);
    let events = "/{room}/{session}/events";
    let routes = resource(routes, events, open(post(events::create)));
    resource(routes, &format!("{events}/{{stream}}"), open(stream))
}

/// What is done for every request, whatever its route.
fn on_every_request(routes: Routes, context: Arc<Context>) -> Router {
    let watched = context.clone();
    routes
        .fallback(|| async { Error::NoSuchResource })
        .method_not_allowed_fallback(|| async { Error::WrongMethod })
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(framing::check))
        // On every answer, also where no route has made it and to OPTIONS; pages of other
        // origins may use the element, so its modules are open to them as well.
        .layer(on_every_answer(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .layer(on_every_answer(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            EXPOSED,
        ))
        // A held POST that ends with 503 is no failure; domain code logs what is one.
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(span)
                .on_response(move |response: &Response<_>, took, span: &tracing::Span| {
                    if let Some(problem) = response.extensions().get::<error::Told>() {
                        watched.app.metrics.problem(problem.slug);
                    }
                    DefaultOnResponse::new().on_response(response, took, span);
                })
                .on_failure(()),
        )
        .with_state(context)
}

/// Adds a resource. People write a slash at the end of an address, and mean the same.
fn resource(router: Routes, path: &str, methods: Methods) -> Routes {
    router
        .route(&format!("{path}/"), methods.clone())
        .route(path, methods)
}

/// Has it answer OPTIONS, and scripts of every origin.
fn open(methods: Methods) -> Methods {
    methods.options(options).layer(cors())
}

/// Open to every origin: what protects a session is its unguessable URL.
fn cors() -> CorsLayer {
    CorsLayer::new()
        // OPTIONS too: MediaMTX's reader and others `fetch` with it, and browsers ask for leave.
        .allow_methods([
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PATCH,
            Method::DELETE,
            Method::OPTIONS,
        ])
        // `*` would not cover Authorization (Fetch, section 4.8).
        .allow_headers(AllowHeaders::mirror_request())
        .max_age(Duration::from_secs(2 * 60 * 60))
}

/// What scripts of another origin may read: all that is sent and that they may not read anyway
/// (Fetch, section 4.8, "CORS-safelisted response-header name"). Older Safari takes a `*` for a
/// name.
const EXPOSED: &str = "location, link, etag, retry-after, accept-patch, preference-applied, \
     accept-post, access-control-allow-methods, allow, date, vary, www-authenticate, \
     sightline-publishing";

fn on_every_answer(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

/// The answer in place of one that a handler would have made. What others have asked goes on: no
/// lock here minds.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over")]
fn panicked(payload: Box<dyn Any + Send>) -> Response {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or(payload.downcast_ref::<String>().map(String::as_str));
    let reason = text.unwrap_or("no reason");
    tracing::error!(reason, "a request has met a fault of this gateway");
    Error::Panicked.into_response()
}

/// OPTIONS without a preflight's fields; with them the CORS layer answers.
async fn options() -> StatusCode {
    StatusCode::OK
}

/// Adds to the answer to OPTIONS, whoever has made it.
///
/// Not an `async fn`, which would keep the request's place for as long as it is held.
fn on_options(
    request: Request,
    next: Next,
    announce: impl FnOnce(&mut HeaderMap),
) -> impl Future<Output = Response> {
    let is_options = request.method() == Method::OPTIONS;
    next.run(request).map(move |mut response| {
        if is_options {
            announce(response.headers_mut());
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
