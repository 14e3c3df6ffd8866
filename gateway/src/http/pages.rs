//! The player and its pages, from the program itself or from a folder.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use headers::{ETag, HeaderMapExt, IfNoneMatch};
use rust_embed::{EmbeddedFile, RustEmbed};
use tower_http::services::{ServeDir, ServeFile};
use tower_http::set_header::SetResponseHeaderLayer;

use super::Context;
use crate::error::Error;

/// What of `player/src/` is served: its modules, pages, styles and pictures.
#[derive(RustEmbed)]
#[folder = "../player/src"]
#[include = "*.html"]
#[include = "*.js"]
#[include = "*.css"]
#[include = "*.svg"]
#[include = "*.png"]
#[include = "*.webmanifest"]
struct Player;

/// Where one begins, and where links are scanned with the camera.
const LANDING: Pages = Pages {
    file: "landing/landing.html",
    paths: &["/", "/watch"],
    denied: "microphone=(), display-capture=(), geolocation=()",
};

/// The page of those who watch. It is the same for every room: which room it is, the page
/// reads from its own address.
const WATCH: Pages = Pages {
    file: "watch/watch.html",
    paths: &["/watch/{room}"],
    denied: NO_DEVICE,
};

/// All cameras that this browser has seen.
const WALL: Pages = Pages {
    file: "wall/wall.html",
    paths: &["/wall"],
    denied: NO_DEVICE,
};

/// The pages that turn a device into a camera.
const PUBLISH: Pages = Pages {
    file: "publish/publish.html",
    paths: &["/publish", "/publish/{room}"],
    denied: "geolocation=()",
};

/// The service worker. It is no page, but only from here may it serve all of them
/// (Service Workers, section "Path restriction").
const WORKER: Pages = Pages {
    file: "app/service-worker.js",
    paths: &["/service-worker.js"],
    denied: NO_DEVICE,
};

const NO_DEVICE: &str = "camera=(), microphone=(), display-capture=(), geolocation=()";

struct Pages {
    file: &'static str,
    paths: &'static [&'static str],
    /// `Permissions-Policy`: what this page never asks for. What it does not name is
    /// the page's own, and no frame's.
    denied: &'static str,
}

/// What a page may load and do, whatever gets into it: only what this gateway serves, and
/// talk to this gateway only. No site may lay the pages under its own; for that there is
/// the element. WebRTC is not this policy's business.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'none'";

pub(super) fn router(player_dir: Option<PathBuf>) -> Router<Arc<Context>> {
    let modules = match &player_dir {
        None => Router::new().route("/player/{*file}", get(module)),
        Some(dir) => Router::new().nest_service("/player", ServeDir::new(dir)),
    };
    [LANDING, WATCH, WALL, PUBLISH, WORKER]
        .iter()
        .map(|pages| pages.router(player_dir.as_ref()))
        .fold(modules, Router::merge)
        .layer(always(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(always(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        // A room's address is all it takes to watch; other sites are not told.
        .layer(always(header::REFERRER_POLICY, "no-referrer"))
}

impl Pages {
    fn router(&self, dir: Option<&PathBuf>) -> Router<Arc<Context>> {
        let file = self.file;
        let add = |router: Router<Arc<Context>>, path: &&'static str| match dir {
            None => router.route(path, get(move |headers| page(file, headers))),
            Some(dir) => router.route_service(path, ServeFile::new(dir.join(file))),
        };
        let router = self.paths.iter().fold(Router::new(), add);
        router.layer(always(PERMISSIONS_POLICY, self.denied))
    }
}

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

fn always(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

async fn page(file: &'static str, headers: HeaderMap) -> Result<Response, Error> {
    embedded(file, &headers)
}

async fn module(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Error> {
    embedded(&name, &headers)
}

fn embedded(name: &str, headers: &HeaderMap) -> Result<Response, Error> {
    let EmbeddedFile { data, metadata } = Player::get(name).ok_or(Error::NoSuchResource)?;
    let hash = u64::from_be_bytes(first_eight(metadata.sha256_hash()));
    let etag = format!("\"{hash:016x}\"");
    let known = headers.typed_get::<IfNoneMatch>();
    let unchanged = match (etag.parse::<ETag>(), known) {
        (Ok(etag), Some(known)) => !known.precondition_passes(&etag),
        _ => false,
    };
    let content_type = mime_guess::from_path(name).first_or_octet_stream();
    let headers = [
        (header::ETAG, etag),
        // Always asked for again: a new gateway must not meet an old player.
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::CONTENT_TYPE, content_type.to_string()),
    ];
    Ok(match unchanged {
        true => (StatusCode::NOT_MODIFIED, headers).into_response(),
        false => (headers, data).into_response(),
    })
}

fn first_eight(hash: [u8; 32]) -> [u8; 8] {
    std::array::from_fn(|i| hash[i])
}
