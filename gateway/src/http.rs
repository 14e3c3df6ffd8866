//! Every route, limit and header rule on one page: design section 3.

pub(crate) mod admin;
mod around;
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
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Router};
use sightline_spec::shared_events::PATH;
use tower::ServiceBuilder;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowHeaders, CorsLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::{DefaultOnResponse, OnResponse, TraceLayer};

use crate::app::App;
use crate::error::Error;
use crate::session::Side;

use around::Around;
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
    let whip = post(endpoint::whip).get(endpoint::get);
    let whep = post(endpoint::whep).get(endpoint::get_whep);
    let cameras = resources("/whip", Side::Camera, whip, &context);
    let viewers = resources("/whep", Side::Viewer, whep, &context);
    let on_layer = open(post(session::select_layer)).layer(Extension(Side::Viewer));
    let viewers = resource(viewers, "/whep/{room}/{session}/layer", on_layer);
    let protocol = cameras.merge(viewers);
    let shared = open(get(shared_events::open));
    let protocol = resource(protocol, PATH, shared);
    let pages =
        pages::router(player_dir).layer(CompressionLayer::new().quality(CompressionLevel::Fastest));
    let routes = protocol.merge(pages).merge(admin::health());
    on_every_request(routes, context)
}

/// What both sides have: an endpoint for each room, and below it sessions and their events.
fn resources(root: &str, side: Side, endpoint: Methods, context: &Arc<Context>) -> Routes {
    // As one layer, and no `nest`: the router puts the future of each into a box, and a held
    // request keeps them all.
    let endpoint = endpoint.options(options).layer(
        ServiceBuilder::new()
            .layer(Extension(side))
            .layer(Around(endpoint::Announce(side, context.clone())))
            .layer(cors())
            .layer(Around(endpoint::LogRefusal(side, context.clone()))),
    );
    let session = get(session::get)
        .patch(session::patch)
        .delete(session::delete);
    let session = open(session).layer(Around(session::Announce));
    let stream = open(get(events::open).delete(events::remove));
    let of_session = [
        ("", session),
        ("/events", open(post(events::create))),
        ("/events/{stream}", stream),
    ];
    let routes = resource(Router::new(), &format!("{root}/{{room}}"), endpoint);
    of_session
        .into_iter()
        .fold(routes, |routes, (path, methods)| {
            let path = format!("{root}/{{room}}/{{session}}{path}");
            resource(routes, &path, methods.layer(Extension(side)))
        })
}

/// What is done for every request, whatever its route; the outermost first.
///
/// As one layer: see [`resources`].
fn on_every_request(routes: Routes, context: Arc<Context>) -> Router {
    let watched = context.clone();
    routes
        .fallback(|| async { Error::NoSuchResource })
        .method_not_allowed_fallback(|| async { Error::WrongMethod })
        .layer(
            ServiceBuilder::new()
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
                // On every answer, also where no route has made it and to OPTIONS; pages of
                // other origins may use the element, so its modules are open to them as well.
                .layer(on_every_answer(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
                .layer(on_every_answer(
                    header::ACCESS_CONTROL_EXPOSE_HEADERS,
                    EXPOSED,
                ))
                .layer(Around(framing::Check))
                .layer(CatchPanicLayer::custom(panicked)),
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
     sightline-publishing, sightline-camera";

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

/// OPTIONS without a preflight's fields; with them the CORS layer answers. What a resource says of
/// itself is added to either.
async fn options() -> StatusCode {
    StatusCode::OK
}

const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

/// Names the route, not the path: a session's URL is a secret.
fn span(request: &Request) -> tracing::Span {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("-", MatchedPath::as_str);
    tracing::debug_span!("http", method = %request.method(), route)
}
