//! The player and its pages, from the program itself or from a folder.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
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
struct Sources;

/// The same in fewer files, which `npm run build` makes of them: what is here takes the place of its
/// source. A gateway that was built without has all but QR codes, and its pages take more requests.
#[derive(RustEmbed)]
#[folder = "../player/dist"]
#[include = "*.html"]
#[include = "*.js"]
#[include = "*.js.map"]
#[include = "*.css"]
#[include = "*.svg"]
#[include = "*.png"]
#[include = "*.webmanifest"]
struct Bundles;

/// Where one begins, and where links are scanned with the camera.
const LANDING: Pages = Pages {
    file: "landing/landing.html",
    paths: &["/", "/watch"],
    denied: "microphone=(), display-capture=(), geolocation=()",
    frames: NOBODY,
};

/// The page of those who watch. It is the same for every room: which room it is, the page
/// reads from its own address.
const WATCH: Pages = Pages {
    file: "watch/watch.html",
    paths: &["/watch/{room}"],
    denied: NO_DEVICE,
    frames: NOBODY,
};

/// All cameras that this browser has seen.
const WALL: Pages = Pages {
    file: "wall/wall.html",
    paths: &["/wall"],
    denied: NO_DEVICE,
    frames: NOBODY,
};

/// One room's picture and nothing else, for other sites to frame.
const EMBED: Pages = Pages {
    file: "embed/embed.html",
    paths: &["/embed/{room}"],
    denied: NO_DEVICE,
    frames: ANYBODY,
};

/// The pages that turn a device into a camera.
const PUBLISH: Pages = Pages {
    file: "publish/publish.html",
    paths: &["/publish", "/publish/{room}"],
    denied: "geolocation=()",
    frames: NOBODY,
};

/// The service worker. It is no page, but only from here may it serve all of them
/// (Service Workers, section "Path restriction").
const WORKER: Pages = Pages {
    file: "app/service-worker.js",
    paths: &["/service-worker.js"],
    denied: NO_DEVICE,
    frames: NOBODY,
};

const ALL: &[Pages] = &[LANDING, WATCH, WALL, PUBLISH, EMBED, WORKER];

const NO_DEVICE: &str = "camera=(), microphone=(), display-capture=(), geolocation=()";

struct Pages {
    file: &'static str,
    paths: &'static [&'static str],
    /// `Permissions-Policy`: what this page never asks for. What it does not name is
    /// the page's own, and no frame's.
    denied: &'static str,
    /// Who may show it in a frame.
    frames: Frames,
}

/// The `frame-ancestors` of a policy.
type Frames = &'static str;
const NOBODY: Frames = "'none'";
const ANYBODY: Frames = "*";

/// Where the element is for other sites: what they may count on is of this version.
const ELEMENT: &str = "/player/1";
/// Where it was before there were versions.
const BEFORE: &str = "/player/whep-player.js";

/// What a page may load and do, whatever gets into it: only what this gateway serves, and
/// talk to this gateway only. WebRTC is not this policy's business.
fn policy(frames: Frames) -> HeaderValue {
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors {frames}"
    );
    HeaderValue::try_from(policy).expect("visible ASCII")
}

pub(super) fn router(player_dir: Option<PathBuf>) -> Router<Arc<Context>> {
    let files = match &player_dir {
        None => Router::new()
            .route("/player/{*file}", get(file))
            .route(&format!("{ELEMENT}/{{*file}}"), get(element)),
        Some(dir) => Router::new()
            .nest_service("/player", ServeDir::new(dir))
            .nest_service(ELEMENT, ServeDir::new(dir.join("element"))),
    };
    let moved = format!("{ELEMENT}/whep-player.js");
    let files = files
        .route(
            BEFORE,
            get(move || async move { Redirect::permanent(&moved) }),
        )
        .layer(always(header::CONTENT_SECURITY_POLICY, policy(NOBODY)));
    ALL.iter()
        .map(|pages| pages.router(player_dir.as_ref()))
        .fold(files, Router::merge)
        .layer(always(header::X_CONTENT_TYPE_OPTIONS, constant("nosniff")))
        // A room's address is all it takes to watch; other sites are not told.
        .layer(always(header::REFERRER_POLICY, constant("no-referrer")))
}

impl Pages {
    fn router(&self, dir: Option<&PathBuf>) -> Router<Arc<Context>> {
        let file = self.file;
        let add = |router: Router<Arc<Context>>, path: &&'static str| match dir {
            None => router.route(path, get(move |headers| page(file, headers))),
            Some(dir) => router.route_service(path, ServeFile::new(dir.join(file))),
        };
        let router = self.paths.iter().fold(Router::new(), add);
        router
            .layer(always(PERMISSIONS_POLICY, constant(self.denied)))
            .layer(always(header::CONTENT_SECURITY_POLICY, policy(self.frames)))
    }
}

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

fn always(name: HeaderName, value: HeaderValue) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, value)
}

fn constant(value: &'static str) -> HeaderValue {
    HeaderValue::from_static(value)
}

async fn page(file: &'static str, headers: HeaderMap) -> Result<Response, Error> {
    embedded(file, &headers)
}

async fn file(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Error> {
    embedded(&name, &headers)
}

async fn element(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Error> {
    embedded(&format!("element/{name}"), &headers)
}

fn embedded(name: &str, headers: &HeaderMap) -> Result<Response, Error> {
    let bundled = Bundles::get(name);
    let cache = match &bundled {
        Some(_) if is_hashed(name) => "public, max-age=31536000, immutable",
        // Always asked for again: a new gateway must not meet an old player.
        _ => "no-cache",
    };
    let file = bundled
        .or_else(|| Sources::get(name))
        .ok_or(Error::NoSuchResource)?;
    let EmbeddedFile { data, metadata } = file;
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
        (header::CACHE_CONTROL, cache.to_owned()),
        (header::CONTENT_TYPE, content_type.to_string()),
    ];
    Ok(match unchanged {
        true => (StatusCode::NOT_MODIFIED, headers).into_response(),
        false => (headers, data).into_response(),
    })
}

/// Whether a bundle's name has a hash of what is in it, so that it never changes: `player/build.mjs` puts those
/// into folders of this name.
fn is_hashed(name: &str) -> bool {
    name.split('/')
        .rev()
        .skip(1)
        .any(|folder| folder == "assets")
}

fn first_eight(hash: [u8; 32]) -> [u8; 8] {
    std::array::from_fn(|i| hash[i])
}
